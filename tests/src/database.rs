use plain_worker::{Clock, Queue, QueueOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::Journal;

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
    /// With `PLAIN_WORKER_TEST_POOL` set its pool has that many connections, whatever the options say.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn queue_with(&self, mut options: QueueOptions) -> Queue {
        if let Ok(connections) = std::env::var("PLAIN_WORKER_TEST_POOL") {
            options = options.pool_size(connections.parse().expect("PLAIN_WORKER_TEST_POOL is a number"));
        }
        options.connect(&self.url).await.expect("the test's database")
    }

    /// The file in which jobs note what they do.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::at(self.folder.path().join("journal"))
    }

    /// Asks the database itself for a number; `{}` stands for the start of a table's name.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = format!("SELECT CAST(({sql}) AS bigint)");
        if self.is_postgres() {
            let sql = sql.replace("{}", "plain_worker.");
            let mut connection = PgConnection::connect(&self.url).await.expect("the test's database");
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("a number")
        } else {
            let sql = sql.replace("{}", "plain_worker_");
            let mut connection = SqliteConnection::connect(&self.url).await.expect("the test's database");
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("a number")
        }
    }

    /// Does something to the database itself; `{}` stands for the start of a table's name.
    ///
    /// # Panics
    /// When it refuses.
    pub async fn execute(&self, sql: &str) {
        self.try_execute(sql).await.expect("a change");
    }

    /// As [`execute`](Self::execute), where the database may refuse.
    ///
    /// # Errors
    /// What the database says.
    pub async fn try_execute(&self, sql: &str) -> sqlx::Result<()> {
        if self.is_postgres() {
            let sql = sql.replace("{}", "plain_worker.");
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        } else {
            let sql = sql.replace("{}", "plain_worker_");
            let mut connection = SqliteConnection::connect(&self.url).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        Ok(())
    }
}
