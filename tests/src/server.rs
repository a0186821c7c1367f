use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Database, PATIENCE, Program, until_true};

/// A Postgres server of the test's own, which can be stopped, killed and started again.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    process: Option<Program>,
}

impl Server {
    /// A new cluster on a port of its own, started.
    ///
    /// # Panics
    /// When the server is not installed or does not start.
    pub async fn start() -> Self {
        let programs = find_programs().expect("the programs of the PostgreSQL server: see tests/run --help");
        let folder = tempfile::Builder::new().prefix("pwserver").tempdir().expect("a temporary folder");
        give_to_server(folder.path());
        let mut server = Self { folder, programs, port: free_port(), process: None };
        let mut initdb = server.command("initdb");
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pgdata").arg(server.data());
        let mut initdb = Program::start_command(initdb);
        assert_eq!(initdb.ended().await, Some(0), "initdb: {}", initdb.output());
        server.start_again().await;
        server
    }

    /// The database that every cluster has, for one test.
    ///
    /// # Panics
    /// When there is no place for temporary files.
    #[must_use]
    pub fn database(&self) -> Database {
        Database {
            url: format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// Starts the server that was stopped or killed, and waits until it answers.
    ///
    /// # Panics
    /// When it does not start in time.
    pub async fn start_again(&mut self) {
        let start = Instant::now();
        let url = self.database().url;
        loop {
            let mut postgres = self.command("postgres");
            postgres.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
            for setting in
                ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=100"]
            {
                postgres.args(["-c", setting]);
            }
            let mut process = Program::start_command(postgres);
            while process.is_alive() {
                if PgConnection::connect(&url).await.is_ok() {
                    self.process = Some(process);
                    return;
                }
                assert!(start.elapsed() < PATIENCE, "the server never answered:\n{}", process.output());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // After a kill the last children of the former server are still going; they leave by themselves.
            assert!(start.elapsed() < PATIENCE, "the server did not start:\n{}", process.output());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops it as an administrator would: sessions are ended, nothing is lost.
    ///
    /// # Panics
    /// When it does not stop in time.
    pub async fn stop(&mut self) {
        let mut process = self.process.take().expect("a server that runs");
        process.signal(Signal::INT);
        process.ended().await;
    }

    /// Kills its first process; its children notice and go.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill(&mut self) {
        self.process.take().expect("a server that runs").kill();
        let address = format!("127.0.0.1:{}", self.port);
        until_true("nobody answers at the port", || async { tokio::net::TcpStream::connect(&address).await.is_err() })
            .await;
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of the server's programs, as the user whom it may run as.
    fn command(&self, program: &str) -> Command {
        let mut command = as_server(&self.programs.join(program));
        command.current_dir(self.folder.path()).env("LC_ALL", "C").env_remove("PGDATA");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // At once, and with its children; the drop of the process kills what does not listen.
            process.signal(Signal::QUIT);
            let start = Instant::now();
            while process.is_alive() && start.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// The folder of the server's programs, found as `tests/run` finds it.
fn find_programs() -> Option<PathBuf> {
    let complete = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    if let Some(named) = std::env::var_os("PG_BIN") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path)
        .filter_map(|folder| folder.join("pg_ctl").canonicalize().ok()?.parent().map(Path::to_owned))
        .find(|folder| complete(folder));
    in_path.or_else(|| {
        let mut installed: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|folder| complete(folder))
            .collect();
        installed.sort();
        installed.pop()
    })
}

/// As root, the user that the server runs as instead: it refuses to be root.
fn server_user() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let known = |user: &str| {
        let id = std::process::Command::new("id").arg(user).stdin(Stdio::null()).output();
        id.is_ok_and(|id| id.status.success())
    };
    Some(if known("postgres") { "postgres" } else { "nobody" }.to_owned())
}

/// A program as the user whom a server may run as.
pub(crate) fn as_server(program: &Path) -> Command {
    let Some(user) = server_user() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]).arg(program);
    command
}

/// Lets the server's user work in a folder.
pub(crate) fn give_to_server(folder: &Path) {
    if server_user().is_some() {
        // Anybody may: the folder is the test's own and goes with it.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).expect("our own folder");
    }
}

/// A port that nobody listens on in this moment.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket").port()
}
