use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::{PgListener, PgPoolOptions};

use super::PostgresStore;
use super::pooler::keeps_sessions;
use crate::error::{Error, Result};
use crate::store::OnWake;

/// How often a silent connection is asked for a sign of life: a half-open socket would be silent for ever.
const PING: Duration = Duration::from_secs(15);
/// How long it may take to connect, and to answer that.
const PATIENCE: Duration = Duration::from_secs(5);

/// One constant payload a queue, so that Postgres folds the equal ones of a transaction into one.
pub(super) const ANNOUNCE: &str = "SELECT pg_notify($1, queue) FROM unnest($2::text[]) AS q (queue)";

impl PostgresStore {
    pub(super) async fn notify(&self, queues: Vec<String>) -> Result<()> {
        sqlx::query(ANNOUNCE)
            .bind(self.namespace.as_str())
            .bind(queues)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(self.fault("wake workers"))
    }

    /// Hears announcements on a connection of its own, which is never in a transaction; nothing behind a pooler that
    /// works by transactions.
    pub(super) async fn hear(&self, direct: Option<&str>, on_wake: OnWake) -> Result<()> {
        let fault = self.fault("listen for new jobs");
        let silent = || Error::Unavailable { doing: "listen for new jobs", source: "the connection is silent".into() };
        let options = self.direct_options(direct)?;
        if !keeps_sessions(&options).await.map_err(&fault)? {
            // The pooler would hand what is announced to whoever has the session then, whose client may take it for
            // nonsense. The worker has said that it has no session.
            return std::future::pending().await;
        }
        // sqlx listens on pooled connections only; this pool has one and ends with it.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await.map_err(&fault)?;
        listener.eager_reconnect(false);
        listener.listen(self.namespace.as_str()).await.map_err(&fault)?;
        // What was announced before this moment was heard by nobody: look once.
        on_wake();
        loop {
            // A read that is dropped here loses nothing: sqlx takes whole messages out of its buffer only.
            match tokio::time::timeout(PING, listener.try_recv()).await {
                Ok(heard) => {
                    if heard.map_err(&fault)?.is_none() {
                        return Err(Error::Unavailable {
                            doing: "listen for new jobs",
                            source: "the connection was lost".into(),
                        });
                    }
                    while listener.next_buffered().is_some() {}
                    on_wake();
                }
                Err(_) => {
                    let ping = tokio::time::timeout(PATIENCE, listener.execute("SELECT 1")).await;
                    ping.map_err(|_| silent())?.map_err(&fault)?;
                }
            }
        }
    }
}
