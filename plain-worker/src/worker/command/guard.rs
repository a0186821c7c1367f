//! The guard: runs one command, and lets nothing of it outlive the worker.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process_group, wait};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::program::MARK;
use super::protocol::{HELLO, HURRY, Order, Report, STOP};
use super::tail::Tail;
use crate::command::CommandOutput;

/// From SIGTERM to SIGKILL when the worker is in a hurry: its own time ends.
const HURRIED: Duration = Duration::from_millis(100);
/// The same when the worker was killed: another one takes the job over in seconds.
const ALONE: Duration = Duration::from_secs(1);
/// The same for processes that a command which has ended left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(1);
/// How long after SIGKILL the guard looks for what is left: something in the kernel, or a zombie.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// How long the streams may go on when the group has ended: something outside of it may hold them open.
const STREAMS: Duration = Duration::from_millis(500);
/// How often a group whose first process has ended is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Serves one order over the socket; returns when there is nothing left to guard.
pub(super) async fn serve(socket: UnixStream) -> io::Result<()> {
    let mut children = signal(SignalKind::child())?;
    // These reach all processes of a service at once; when the command ends is the worker's to say.
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()];
    let _ignored = kinds.map(signal);
    let (read, mut write) = socket.into_split();
    write.write_all(HELLO.as_bytes()).await?;
    let mut read = BufReader::new(read);
    let mut order = String::new();
    if read.read_line(&mut order).await? == 0 {
        // It only wanted to know whether there is a guard.
        return Ok(());
    }
    let report = match serde_json::from_str(&order) {
        Ok(order) => run(&order, &mut read, &mut children).await,
        Err(error) => Report::NotStarted(format!("the guard cannot read its order: {error}")),
    };
    let mut answer = serde_json::to_vec(&report)?;
    answer.push(b'\n');
    write.write_all(&answer).await
}

/// Runs the command to the end of its whole group.
async fn run(order: &Order, worker: &mut BufReader<OwnedReadHalf>, children: &mut Signals) -> Report {
    // What the command's own children leave behind becomes ours, so that we see it end.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        return Report::NotStarted(format!("the guard cannot look after its processes: {error}"));
    }
    let mut child = match start(order) {
        Ok(child) => child,
        Err(reason) => return Report::NotStarted(reason),
    };
    let streams = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    let [stdout, stderr] =
        streams.map(|stream| stream.and_then(|stream| Receiver::from_owned_fd(stream).ok()).map(Stream::read));
    let mut group = Group { id: Pid::from_child(&child), first: None, stopped: false, kill_at: None, give_up_at: None };
    let mut connected = true;
    loop {
        group.reap();
        if group.first.is_some() && group.settle(Instant::now()) {
            break;
        }
        let next = group.next_look();
        tokio::select! {
            word = worker.read_u8(), if connected => match word {
                Ok(STOP) => group.stop(Duration::from_millis(order.stop_after_ms)),
                Ok(HURRY) => group.stop(HURRIED),
                Ok(_) => {}
                Err(_) => {
                    connected = false;
                    group.stop(ALONE);
                }
            },
            _ = children.recv() => {}
            () = sleep_until(next) => group.kill_when_due(),
        }
    }
    let deadline = Instant::now() + STREAMS;
    let (stdout, stdout_bytes) = Stream::end(stdout, deadline).await;
    let (stderr, stderr_bytes) = Stream::end(stderr, deadline).await;
    let (exit_status, signal) =
        group.first.map_or((None, None), |status| (status.exit_status(), status.terminating_signal()));
    let mut output = CommandOutput::default();
    (output.exit_status, output.signal) = (exit_status, signal);
    (output.stdout, output.stdout_bytes, output.stderr, output.stderr_bytes) =
        (stdout, stdout_bytes, stderr, stderr_bytes);
    Report::Ended { output, stopped: group.stopped }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Starts the command in a group of its own, or says why that cannot be.
fn start(order: &Order) -> Result<Child, String> {
    let Some((program, arguments)) = order.argv.split_first() else {
        return Err("the command names no program".to_owned());
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(keep) = &order.keep {
        command.env_clear();
        command.envs(keep.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
    }
    command.env_remove(MARK).envs(order.set.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = &order.directory {
        // The system's own error would not say which of the two is missing.
        if !Path::new(directory).is_dir() {
            return Err(format!("the command's working directory {directory} is not there"));
        }
        command.current_dir(directory);
    }
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|error| format!("the command `{program}` cannot be started: {error}"))
}

/// The process group of a command.
struct Group {
    id: Pid,
    /// How its first process ended.
    first: Option<WaitStatus>,
    /// Whether it was sent a signal while that process was there.
    stopped: bool,
    kill_at: Option<Instant>,
    /// After SIGKILL: when it is no longer waited for.
    give_up_at: Option<Instant>,
}

impl Group {
    /// Takes note of processes that have ended.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if pid == self.id {
                self.first = Some(status);
            }
        }
    }

    /// Sends SIGTERM, and SIGKILL after that time; a second call can only make it sooner.
    fn stop(&mut self, after: Duration) {
        let at = Instant::now() + after;
        if self.kill_at.is_none() && self.give_up_at.is_none() {
            self.stopped |= self.first.is_none();
            self.signal(Signal::TERM);
            // A process that was stopped hears it when it goes on.
            self.signal(Signal::CONT);
        }
        if self.give_up_at.is_none() {
            self.kill_at = Some(self.kill_at.map_or(at, |before| before.min(at)));
        }
    }

    fn kill_when_due(&mut self) {
        if self.kill_at.is_some_and(|at| at <= Instant::now()) {
            self.kill_at = None;
            self.give_up_at = Some(Instant::now() + LAST_LOOK);
            self.signal(Signal::KILL);
        }
    }

    /// Ends what is left of the group whose first process has ended; whether nothing is.
    fn settle(&mut self, now: Instant) -> bool {
        if test_kill_process_group(self.id).is_err() {
            return true;
        }
        if self.kill_at.is_none() && self.give_up_at.is_none() {
            self.stop(LEFT_BEHIND);
        }
        self.give_up_at.is_some_and(|at| at <= now)
    }

    /// When there is something to do without being told.
    fn next_look(&self) -> Option<Instant> {
        let soon = self.first.is_some().then(|| Instant::now() + LOOK);
        [self.kill_at, soon].into_iter().flatten().min()
    }

    fn signal(&self, signal: Signal) {
        // The group may have ended in this moment, which is all that is wanted.
        let _ = kill_process_group(self.id, signal);
    }
}

/// One stream of the command, as it is read.
struct Stream {
    tail: Arc<Mutex<Tail>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn read(mut from: Receiver) -> Self {
        let tail = Arc::new(Mutex::new(Tail::default()));
        let into = Arc::clone(&tail);
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer).await {
                into.lock().unwrap_or_else(PoisonError::into_inner).push(&buffer[..read]);
            }
        });
        Self { tail, reader }
    }

    /// The end of what was written, and how much that was in all.
    async fn end(stream: Option<Self>, deadline: Instant) -> (String, u64) {
        let Some(Self { tail, mut reader }) = stream else { return <_>::default() };
        if tokio::time::timeout_at(deadline, &mut reader).await.is_err() {
            reader.abort();
        }
        let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        (tail.text(), tail.total())
    }
}
