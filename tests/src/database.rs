use plain_worker::{Clock, Queue, QueueOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

/// An empty database that belongs to one test.
pub struct Database {
    /// Its URL, as a user would give it.
    pub url: String,
    /// The folder of the SQLite file, which goes with it.
    pub folder: TempDir,
}

impl Database {
    /// A SQLite file in a folder of its own.
    ///
    /// # Panics
    /// When there is no place for temporary files.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { url: format!("sqlite:{}", folder.path().join("jobs.db").display()), folder }
    }

    /// A database of its own on the server that `tests/run` started.
    ///
    /// # Panics
    /// When there is no such server: these tests fail then, they are not skipped.
    pub async fn postgres() -> Self {
        let server = std::env::var("PLAIN_WORKER_TEST_POSTGRES")
            .expect("PLAIN_WORKER_TEST_POSTGRES is not set: run these tests with tests/run");
        let mut admin = PgConnection::connect(&server).await.expect("the Postgres of PLAIN_WORKER_TEST_POSTGRES");
        let name = format!("t{}", uuid::Uuid::now_v7().simple());
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.expect("a database");
        let (server, options) = server.split_once('?').unwrap_or((&server, ""));
        let (host, _) = server.rsplit_once('/').expect("a URL with a database name");
        let options = if options.is_empty() { String::new() } else { format!("?{options}") };
        Self { url: format!("{host}/{name}{options}"), folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Whether it is Postgres.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// A queue on it, with the default options.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn queue(&self) -> Queue {
        self.queue_with(Queue::options()).await
    }

    /// A queue on it with a clock that can be moved.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn queue_with_movable_clock(&self) -> Queue {
        self.queue_with(Queue::options().clock(Clock::Movable)).await
    }

    /// A queue on it.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn queue_with(&self, options: QueueOptions) -> Queue {
        options.connect(&self.url).await.expect("the test's database")
    }
}
