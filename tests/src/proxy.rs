use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::Database;

/// What a [`Proxy`] does with what passes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It passes.
    Open,
    /// All connections are closed; new ones are closed as soon as they come.
    Cut,
    /// Connections stay open and nothing passes, in either direction.
    Stalled,
    /// The same for the clients, and the server has given their connections up.
    Vanished,
}

/// The state that the proxy's tasks share.
struct Shared {
    mode: watch::Sender<Mode>,
    /// Counts up when all connections that are open are to be closed.
    drops: watch::Sender<usize>,
    /// The answer of which request from now on is swallowed, its connection closed; 0 for none.
    lose: AtomicUsize,
}

/// A TCP proxy in front of a server, which can cut and stall what passes; it ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

impl Proxy {
    /// A proxy to the server at that address.
    ///
    /// # Panics
    /// When the system gives no port.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            mode: watch::Sender::new(Mode::Open),
            drops: watch::Sender::new(0),
            lose: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&shared))).abort_handle();
        Self { address, shared, accepting }
    }

    /// A proxy to the server of a Postgres database, and that database as it is seen through it.
    ///
    /// # Panics
    /// When the URL names no host and port.
    pub async fn before(database: &Database) -> (Self, String) {
        let (start, rest) = database.url.split_once('@').expect("a URL with a user");
        let (server, path) = rest.split_once('/').expect("a URL with a database");
        let proxy = Self::to(server.to_owned()).await;
        let url = format!("{start}@{}/{path}", proxy.address);
        (proxy, url)
    }

    /// Closes all connections, and new ones as soon as they come.
    pub fn cut(&self) {
        self.shared.mode.send_replace(Mode::Cut);
        self.drop_connections();
    }

    /// Keeps all connections open and lets nothing pass.
    pub fn stall(&self) {
        self.shared.mode.send_replace(Mode::Stalled);
    }

    /// Closes the server's ends of all connections and leaves those of the clients open and silent, as after the server
    /// has missed a machine for long enough; with new connections, too.
    pub fn vanish(&self) {
        self.shared.mode.send_replace(Mode::Vanished);
    }

    /// Lets everything pass again.
    pub fn heal(&self) {
        self.shared.mode.send_replace(Mode::Open);
    }

    /// Closes all connections that are open now; new ones pass.
    pub fn drop_connections(&self) {
        self.shared.drops.send_modify(|count| *count += 1);
    }

    /// Has the `nth` request from now on reach the server and its answer lost with the connection.
    pub fn lose_answer(&self, nth: usize) {
        self.shared.lose.store(nth, Ordering::SeqCst);
    }

    /// Whether an answer that was to be lost is still awaited.
    #[must_use]
    pub fn has_lost_none(&self) -> bool {
        self.shared.lose.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, server: String, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        if *shared.mode.borrow() == Mode::Cut {
            continue;
        }
        tokio::spawn(connect(client, server.clone(), Arc::clone(&shared)));
    }
}

async fn connect(client: TcpStream, server: String, shared: Arc<Shared>) {
    let mut drops = shared.drops.subscribe();
    drops.mark_unchanged();
    let Ok(server) = TcpStream::connect(server).await else { return };
    // Small requests must not wait for each other.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut client_reads, mut client_writes) = client.into_split();
    let (mut server_reads, mut server_writes) = server.into_split();
    let (losing, lost) = watch::channel(false);
    tokio::select! {
        () = requests(&mut client_reads, &mut server_writes, &shared, losing) => return,
        () = answers(&mut server_reads, &mut client_writes, &shared, lost) => return,
        // Also when the proxy itself is gone.
        _ = drops.changed() => return,
        () = vanishes(&shared) => {}
    }
    drop((server_reads, server_writes));
    // The client hears of nothing.
    let _ = drops.changed().await;
}

/// Waits until the server has given up.
async fn vanishes(shared: &Shared) {
    let mut mode = shared.mode.subscribe();
    // It ends with the proxy, and then so do all connections.
    let _ = mode.wait_for(|mode| *mode == Mode::Vanished).await;
}

/// Waits while nothing may pass.
async fn passes(shared: &Shared) {
    let mut mode = shared.mode.subscribe();
    // It ends with the proxy, and then so do all connections.
    let _ = mode.wait_for(|mode| matches!(mode, Mode::Open | Mode::Cut)).await;
}

async fn requests(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, shared: &Shared, losing: watch::Sender<bool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        passes(shared).await;
        let countdown = |left: usize| left.checked_sub(1);
        if shared.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, countdown) == Ok(1) {
            losing.send_replace(true);
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn answers(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, shared: &Shared, lost: watch::Receiver<bool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        passes(shared).await;
        if *lost.borrow() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
