//! What the worker programs of the tests have in common: settings from the environment, a clean end at SIGTERM.

use std::io::Read;
use std::str::FromStr;
use std::time::Duration;

use plain_worker::{Clock, Queue, Retention, Worker};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Database, Journal, Program};

/// The settings of a worker program, as the test gives them.
#[derive(Clone, Debug)]
pub struct WorkerProgram {
    path: &'static str,
    settings: Vec<(&'static str, String)>,
}

impl WorkerProgram {
    /// The program at that path (`env!("CARGO_BIN_EXE_..")`) with the default settings.
    #[must_use]
    pub fn new(path: &'static str) -> Self {
        Self { path, settings: Vec::new() }
    }

    /// With this setting, which [`run_worker`] reads: `CONCURRENCY`, `THREADS`, `GRACE_MS`, `LEASE_MS`, `OWN_RUNTIME`,
    /// `QUEUES` (with commas), `POOL_SIZE`, `DIRECT_URL`, `DRAIN`, `MOVABLE_CLOCK`, `RETAIN_DAYS`. Any other goes to the program's
    /// environment just so.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.settings.push((name, value.to_string()));
        self
    }

    /// Starts it on a database, at that address, with the database's journal.
    #[must_use]
    pub fn start_at(&self, database: &Database, url: &str) -> Program {
        let mut command = tokio::process::Command::new(self.path);
        command.env("DATABASE_URL", url).env("JOURNAL", database.journal().path()).current_dir(database.folder.path());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        Program::start_command(command)
    }

    /// Starts it on a database.
    #[must_use]
    pub fn start(&self, database: &Database) -> Program {
        self.start_at(database, &database.url)
    }

    /// Starts it on a database and waits until it claims jobs.
    pub async fn started(&self, database: &Database) -> Program {
        let program = self.start(database);
        program.prints("worker started").await;
        program
    }
}

/// The `main` of a worker program: runs its jobs until SIGTERM, or until the test is gone.
///
/// # Panics
/// When it has no database, no journal or no sense.
#[allow(clippy::disallowed_methods, reason = "jobs that cannot be stopped must not hold up the end")]
pub fn run_worker() {
    std::thread::spawn(|| {
        // The test holds the other end: where that is gone, so are we.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(70);
    });
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work());
    std::process::exit(0);
}

async fn work() {
    let mut terminated = signal(SignalKind::terminate()).expect("a signal handler");
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let journal = Journal::at(std::env::var("JOURNAL").expect("JOURNAL"));
    let mut options = Queue::options();
    if let Some(connections) = setting("POOL_SIZE") {
        options = options.pool_size(connections);
    }
    if setting("MOVABLE_CLOCK") == Some(true) {
        options = options.clock(Clock::Movable);
    }
    let queue = options.connect(&url).await.expect("the test's database");
    let mut builder = Worker::builder(queue).state(journal);
    if let Some(jobs) = setting("CONCURRENCY") {
        builder = builder.concurrency(jobs);
    }
    if let Some(threads) = setting("THREADS") {
        builder = builder.threads(threads);
    }
    if let Some(millis) = setting("GRACE_MS") {
        builder = builder.grace(Duration::from_millis(millis));
    }
    if let Some(millis) = setting("LEASE_MS") {
        builder = builder.lease(Duration::from_millis(millis));
    }
    if let Some(days) = setting::<u64>("RETAIN_DAYS") {
        builder = builder.retention(retain(days));
    }
    if let Some(threads) = setting("OWN_RUNTIME") {
        builder = builder.own_runtime(threads);
    }
    if let Some(queues) = setting::<String>("QUEUES") {
        builder = builder.queues(queues.split(','));
    }
    if let Some(url) = setting::<String>("DIRECT_URL") {
        builder = builder.direct_database_url(url);
    }
    if setting("DRAIN") == Some(true) {
        builder = builder.drain();
    }
    let report = builder.run_until(async { terminated.recv().await.unwrap_or_default() }).await;
    println!("ended: {:?}", report.expect("a worker"));
}

/// Keeps all that has ended for that many days.
#[must_use]
pub fn retain(days: u64) -> Retention {
    let span = Duration::from_secs(days * 24 * 60 * 60);
    let mut retention = Retention::default();
    (retention.succeeded, retention.dead) = (span, span);
    (retention.cancelled, retention.expired) = (span, span);
    retention
}

fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} makes no sense")))
}
