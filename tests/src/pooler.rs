use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::{as_server, free_port, give_to_server};
use crate::{Database, PATIENCE, Program};

/// A pgbouncer in front of a server, which gives its few sessions to each client for a transaction only.
pub struct Pooler {
    /// The same database through it.
    pub url: String,
    /// Whether it keeps prepared statements, as pgbouncer does from 1.21 on.
    pub keeps_statements: bool,
    _process: Program,
    _folder: TempDir,
}

impl Pooler {
    /// A pooler in front of the server of a Postgres database.
    ///
    /// # Panics
    /// When pgbouncer is not installed (`tests/run` does that) or does not start.
    pub async fn before(database: &Database) -> Self {
        let program = find_program().expect("pgbouncer is not installed: run these tests with tests/run");
        let keeps_statements = version(&program) >= (1, 21);
        let (start, rest) = database.url.split_once('@').expect("a URL with a user");
        let (server, path) = rest.split_once('/').expect("a URL with a database");
        let (host, server_port) = server.rsplit_once(':').unwrap_or((server, "5432"));
        let name = path.split('?').next().unwrap_or(path);
        let login = start.split_once("://").map_or(start, |(_, login)| login);
        let login = match login.split_once(':') {
            Some((user, password)) => format!("user={user} password={password}"),
            None => format!("user={login}"),
        };
        let port = free_port();
        let statements = if keeps_statements { "max_prepared_statements = 100" } else { "" };
        let settings = format!(
            "[databases]
{name} = host={host} port={server_port} dbname={name} {login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
{statements}
"
        );
        let folder = tempfile::Builder::new().prefix("pwpooler").tempdir().expect("a temporary folder");
        give_to_server(folder.path());
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("our own folder");
        let mut command = as_server(&program);
        command.arg(&file).current_dir(folder.path());
        let mut process = Program::start_command(command);
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(
                process.is_alive() && begun.elapsed() < PATIENCE,
                "pgbouncer never answered:\n{}",
                process.output()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let url = format!("{start}@127.0.0.1:{port}/{path}");
        Self { url, keeps_statements, _process: process, _folder: folder }
    }
}

/// As told by `PGBOUNCER`, else from PATH, else where Debian puts it.
fn find_program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("PGBOUNCER") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
}

fn version(program: &Path) -> (u32, u32) {
    let told = std::process::Command::new(program).arg("--version").stdin(Stdio::null()).output().expect("pgbouncer");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let number = told.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.parse().ok());
    (parts.next().expect("a version"), parts.next().expect("a version"))
}
