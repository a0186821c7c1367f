//! A worker's life: its heartbeat, and the lock of a session that lasts exactly as long as its process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio::time::timeout;

use super::pooler::{CONNECT_LIMIT, session_lasts, session_of};
use super::rows::Reader;
use super::{PostgresStore, Statements, address, json, micros, safe};
use crate::error::{Error, Result};
use crate::record::{Hold, Pulse, Sign, Standing, WorkerRow};
use crate::store::{Life, Namespace};

/// What the session is set to. The server closes it within 15 s when our machine has vanished from the network, and
/// ends a statement that stands in a queue for a lock before the worker would be taken for cut off.
const SESSION: &[(&str, &str)] = &[
    ("statement_timeout", "5s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "3"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "14000"),
    ("default_transaction_isolation", "read committed"),
    ("jit", "off"),
];

pub(super) struct PostgresLife {
    options: PgConnectOptions,
    sql: Arc<Statements>,
    namespace: Namespace,
    database: String,
    worker: WorkerRow,
    session: Option<Session>,
    /// Whether sessions last as long as connections; known from the first connection on.
    lasting: Option<bool>,
    signed_on: bool,
}

struct Session {
    connection: PgConnection,
    /// The server's process, as it showed itself first.
    id: i32,
    /// Whether the lock is ours.
    holds: bool,
    /// Whether this is not the first session of the worker, and has not shown a sign of life before.
    renewed: bool,
}

impl PostgresLife {
    pub(super) fn new(store: &PostgresStore, worker: WorkerRow, direct: Option<&str>) -> Result<Self> {
        let options = store.direct_options(direct)?;
        Ok(Self {
            database: address::describe(&options),
            options,
            sql: Arc::clone(&store.sql),
            namespace: store.namespace.clone(),
            worker,
            session: None,
            lasting: None,
            signed_on: false,
        })
    }

    /// The number of the worker's lock: the low half of its id, which is random.
    fn lock(&self) -> i64 {
        i64::from_be_bytes(self.worker.id.as_u64_pair().1.to_be_bytes())
    }

    fn fault(&self) -> impl Fn(sqlx::Error) -> Error + use<> {
        crate::store::fault::while_trying("renew the heartbeat", &self.database)
    }

    async fn connect(&mut self) -> Result<Session> {
        let fault = self.fault();
        let late = |late: tokio::time::error::Elapsed| Error::Unavailable { doing: "connect", source: late.into() };
        let ours = self.options.clone().options(SESSION.iter().copied());
        let opened = timeout(CONNECT_LIMIT, PgConnection::connect_with(&ours)).await.map_err(late)?;
        let opened = match opened {
            Err(error) if address::refuses_settings(&error) => {
                // A pooler: its sessions are not ours to set.
                let bare = self.options.clone().extra_float_digits(None);
                timeout(CONNECT_LIMIT, PgConnection::connect_with(&bare)).await.map_err(late)?
            }
            opened => opened,
        };
        let mut connection = opened.map_err(&fault)?;
        let id = session_of(&mut connection).await.map_err(&fault)?;
        if self.lasting.is_none() {
            let lasting = session_lasts(&mut connection, id, &self.options).await.map_err(&fault)?;
            self.note(lasting);
        }
        Ok(Session { connection, id, holds: false, renewed: self.signed_on })
    }

    fn note(&mut self, lasting: bool) {
        self.lasting = Some(lasting);
        if !lasting {
            tracing::warn!(
                worker = %self.worker.id, database = %self.database, lease = ?self.worker.lease,
                "the database is reached through a pooler that keeps no sessions, so the heartbeat alone tells whether \
                 this worker lives: if it dies its jobs are rescued after the lease; and jobs that are enqueued elsewhere \
                 are found within a second only: a direct database URL makes both prompt"
            );
        }
    }

    async fn beat_on(&mut self, session: &mut Session) -> Result<Pulse> {
        let fault = self.fault();
        if self.lasting == Some(true) && !session.holds {
            session.holds = self.take_lock(session).await?;
        }
        let hold = if self.lasting == Some(true) { "session" } else { "none" };
        let renewed = std::mem::take(&mut session.renewed);
        if !self.signed_on {
            self.register(session, hold).await?;
            self.signed_on = true;
        }
        let rows = sqlx::query(safe(&self.sql.beat))
            .bind(self.worker.id)
            .bind(hold)
            .fetch_all(&mut session.connection)
            .await
            .map_err(&fault)?;
        let mut pulse = Pulse { forgotten: true, renewed, database_up: None, others: Vec::new() };
        for row in &rows {
            let row = Reader::new(row, "workers");
            if row.get::<i32>("session")? != session.id && self.lasting == Some(true) {
                // A pooler after all. The lock that one of its sessions holds now says nothing about us any more.
                self.note(false);
            }
            pulse.database_up = row.get::<Option<i64>>("up")?.map(span);
            let worker = row.get("id")?;
            if worker == self.worker.id {
                pulse.forgotten = false;
                continue;
            }
            pulse.others.push(Sign {
                worker,
                beat: row.get("beat")?,
                silent: row.get::<Option<i64>>("silent")?.map(span),
                lease: row.get::<Option<i64>>("lease_ms")?.map_or(Duration::ZERO, |ms| span(ms.saturating_mul(1_000))),
                hold: match row.get::<Option<bool>>("held")? {
                    Some(true) => Hold::Held,
                    Some(false) => Hold::Free,
                    None => Hold::None,
                },
                busy: row.get("busy")?,
            });
        }
        if pulse.forgotten {
            self.register(session, hold).await?;
        }
        Ok(pulse)
    }

    /// Takes the lock; it may be in the hands of somebody who looks for a moment, or of our former session, which the
    /// server has not missed yet: then nobody can take us for dead either.
    async fn take_lock(&self, session: &mut Session) -> Result<bool> {
        let fault = self.fault();
        for tried in 0..5 {
            if tried > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let taken = sqlx::query("SELECT pg_try_advisory_lock($1)")
                .bind(self.lock())
                .fetch_one(&mut session.connection)
                .await
                .and_then(|row| row.try_get(0))
                .map_err(&fault)?;
            if taken {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn register(&self, session: &mut Session, hold: &str) -> Result<()> {
        let worker = &self.worker;
        sqlx::query(safe(&self.sql.register))
            .bind(worker.id)
            .bind(&worker.host)
            .bind(i32::try_from(worker.pid).unwrap_or(i32::MAX))
            .bind(&worker.version)
            .bind(&worker.build)
            .bind(json(&worker.queues))
            .bind(json(&worker.knows))
            .bind(json(&worker.schedules))
            .bind(i32::try_from(worker.concurrency).unwrap_or(i32::MAX))
            .bind((micros(worker.lease) / 1_000).max(1))
            .bind(hold)
            .execute(&mut session.connection)
            .await
            .map(drop)
            .map_err(self.fault())
    }
}

#[async_trait]
impl Life for PostgresLife {
    fn standing(&self) -> Standing {
        match (self.lasting, &self.session) {
            (Some(false), _) => Standing::Beats,
            (_, Some(_)) => Standing::Session,
            (_, None) => Standing::SessionLost,
        }
    }

    async fn beat(&mut self) -> Result<Pulse> {
        // Lost where this is dropped half-way: what is in the connection then is nobody's.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect().await?,
        };
        let answer = self.beat_on(&mut session).await;
        if !matches!(&answer, Err(error) if is_over(error)) {
            self.session = Some(session);
        }
        answer
    }

    async fn leave(&mut self) -> Result<()> {
        let Some(mut session) = self.session.take() else { return Ok(()) };
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {}.workers WHERE id = $1", self.namespace)))
            .bind(self.worker.id)
            .execute(&mut session.connection)
            .await
            .map_err(self.fault())?;
        session.connection.close().await.map_err(self.fault())
    }
}

/// Whether the connection is of no use any more: the server has not merely refused a statement.
fn is_over(error: &Error) -> bool {
    let source = match error {
        Error::Row { .. } => return false,
        Error::Unavailable { source, .. } | Error::Conflict { source, .. } | Error::Database { source, .. } => source,
        _ => return true,
    };
    let code = source
        .downcast_ref::<sqlx::Error>()
        .and_then(|error| error.as_database_error()?.code().map(|code| code.into_owned()));
    // The server stops, has stopped, or starts.
    code.is_none_or(|code| ["57P01", "57P02", "57P03"].contains(&code.as_str()) || code.starts_with("08"))
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}
