//! A worker's life: its heartbeat, and the lock of a file that lasts exactly as long as its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use super::rows::each;
use super::{SqliteStore, Statements, file, json, micros, safe};
use crate::error::{Error, Result};
use crate::record::{Hold, Pulse, Sign, Standing, WorkerId, WorkerRow};
use crate::store::{Life, Namespace};

/// How often the heartbeat is written: for people, since the lock of the file tells who lives, and every commit makes
/// the other processes look for jobs.
const HEARTBEAT: Duration = Duration::from_secs(10);

pub(super) struct SqliteLife {
    /// One connection of its own; in memory that of the store, since a second one would see another database.
    pool: SqlitePool,
    sql: Arc<Statements>,
    namespace: Namespace,
    database: String,
    worker: WorkerRow,
    locks: Option<Locks>,
    held: Option<File>,
    written: Option<Instant>,
}

impl SqliteLife {
    pub(super) fn new(store: &SqliteStore, worker: WorkerRow) -> Self {
        let options = store.pool.connect_options();
        let locks = Locks::beside(store);
        let pool = match &locks {
            Some(_) => SqlitePoolOptions::new()
                .max_connections(1)
                .test_before_acquire(false)
                .connect_lazy_with((*options).clone().create_if_missing(false)),
            None => store.pool.clone(),
        };
        Self {
            pool,
            sql: Arc::clone(&store.sql),
            namespace: store.namespace.clone(),
            database: store.database.clone(),
            worker,
            locks,
            held: None,
            written: None,
        }
    }

    fn fault(&self) -> impl Fn(sqlx::Error) -> Error + use<> {
        crate::store::fault::while_trying("renew the heartbeat", &self.database)
    }

    async fn register(&mut self) -> Result<()> {
        if let Some(locks) = &self.locks
            && self.held.is_none()
        {
            // Before the row: nobody may see the one without the other.
            self.held = Some(locks.take(self.worker.id)?);
        }
        let worker = &self.worker;
        sqlx::query(safe(&self.sql.register))
            .bind(worker.id.to_string())
            .bind(&worker.host)
            .bind(worker.pid)
            .bind(&worker.version)
            .bind(&worker.build)
            .bind(json(&worker.queues))
            .bind(json(&worker.knows))
            .bind(json(&worker.schedules))
            .bind(worker.concurrency)
            .bind((micros(worker.lease) / 1_000).max(1))
            .bind(if self.held.is_some() { "file" } else { "none" })
            .execute(&self.pool)
            .await
            .map_err(self.fault())?;
        self.written = Some(Instant::now());
        Ok(())
    }

    async fn signs(&self) -> Result<Vec<Sign>> {
        let rows = sqlx::query(safe(&self.sql.signs)).fetch_all(&self.pool).await.map_err(self.fault())?;
        let mut signs = each(&rows, "workers", |row| {
            Ok(Sign {
                worker: row.word("id")?,
                beat: row.get("beat")?,
                silent: row.get::<Option<i64>>("silent")?.map(span),
                lease: row.get::<Option<i64>>("lease_ms")?.map_or(Duration::ZERO, |ms| span(ms.saturating_mul(1_000))),
                hold: if row.get::<String>("hold")? == "file" { Hold::Held } else { Hold::None },
                busy: row.get("busy")?,
            })
        })?;
        for sign in &mut signs {
            if sign.hold == Hold::Held && sign.worker != self.worker.id {
                sign.hold = self.locks.as_ref().map_or(Hold::None, |locks| locks.look(sign.worker));
            }
        }
        Ok(signs)
    }
}

#[async_trait]
impl Life for SqliteLife {
    fn standing(&self) -> Standing {
        if self.locks.is_some() { Standing::File } else { Standing::Beats }
    }

    async fn beat(&mut self) -> Result<Pulse> {
        let due = HEARTBEAT.min(self.worker.lease / 3);
        if self.written.is_none() {
            self.register().await?;
        } else if self.written.is_none_or(|written| written.elapsed() >= due) {
            let id = self.worker.id.to_string();
            sqlx::query(safe(&self.sql.beat)).bind(id).execute(&self.pool).await.map_err(self.fault())?;
            self.written = Some(Instant::now());
        }
        let mut others = self.signs().await?;
        let all = others.len();
        others.retain(|sign| sign.worker != self.worker.id);
        let forgotten = others.len() == all;
        if forgotten {
            self.register().await?;
        }
        Ok(Pulse { forgotten, renewed: false, database_up: None, others })
    }

    async fn leave(&mut self) -> Result<()> {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {}_workers WHERE id = ?1", self.namespace)))
            .bind(self.worker.id.to_string())
            .execute(&self.pool)
            .await
            .map_err(self.fault())?;
        if let Some(locks) = &self.locks {
            locks.remove(self.worker.id);
            self.pool.close().await;
        }
        Ok(())
    }
}

/// The files whose locks tell which workers live: one a worker, next to the database.
#[derive(Clone, Debug)]
pub(super) struct Locks {
    start: PathBuf,
}

impl Locks {
    /// Those next to the file of this store; none for one in memory.
    pub(super) fn beside(store: &SqliteStore) -> Option<Self> {
        let options = store.pool.connect_options();
        if file::is_memory(&options) {
            return None;
        }
        let mut start = options.get_filename().as_os_str().to_owned();
        start.push(format!("-{}-", store.namespace));
        Some(Self { start: start.into() })
    }

    fn path(&self, worker: WorkerId) -> PathBuf {
        let mut path = self.start.clone().into_os_string();
        path.push(format!("{worker}.lock"));
        path.into()
    }

    /// Makes the worker's file and locks it.
    fn take(&self, worker: WorkerId) -> Result<File> {
        let path = self.path(worker);
        let cannot = |error: &dyn std::fmt::Display| {
            Error::Worker(format!(
                "the lock file {} cannot be made and locked: {error}; a worker needs the right to make files next to the database",
                path.display()
            ))
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| cannot(&error))?;
        file.try_lock().map_err(|error| cannot(&error))?;
        Ok(file)
    }

    /// Whether the worker holds its file. Shared, since several look at once.
    fn look(&self, worker: WorkerId) -> Hold {
        match OpenOptions::new().read(true).open(self.path(worker)) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Hold::Free,
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Hold::Held,
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Hold::Free,
            // It is there and we may not look: its heartbeat tells.
            Err(_) => Hold::None,
        }
    }

    /// Takes away the file of a worker that is gone.
    pub(super) fn remove(&self, worker: WorkerId) {
        // One that stays does no harm.
        let _ = std::fs::remove_file(self.path(worker));
    }
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}
