//! How a queue is opened: from a URL, or over a pool of the application's own.

use std::sync::Arc;

use tokio::runtime::Handle as RuntimeHandle;

use super::Queue;
use crate::error::{Error, Result};
use crate::store::{DatabasePool, QueueOptions, Store, without_password};

impl QueueOptions {
    /// Opens the database that the URL names, and creates the tables if they are missing.
    ///
    /// `sqlite:FILE` (made when missing, readable by its owner only), `sqlite::memory:`,
    /// `postgres://user:password@host/database`. A Postgres host that is not local is asked for
    /// a verified certificate unless the URL says `sslmode=..`.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Namespace`], [`Error::Unavailable`], [`Error::SchemaOlder`]; no text holds the password.
    pub async fn connect(self, url: &str) -> Result<Queue> {
        let queue = self.open(url).await?;
        queue.prepare().await?;
        Ok(queue)
    }

    /// As [`connect`](Self::connect), with the tables as they are.
    pub(crate) async fn open(self, url: &str) -> Result<Queue> {
        let payload_limit = self.payload_limit;
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let store: Arc<dyn Store> = match scheme {
            #[cfg(feature = "sqlite")]
            "sqlite" => Arc::new(crate::store::sqlite::SqliteStore::connect(url, &self).await?),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Arc::new(crate::store::postgres::PostgresStore::connect(url, &self).await?),
            _ => return Err(unknown_scheme(url, scheme)),
        };
        Ok(Queue::open(store, RuntimeHandle::try_current().ok(), payload_limit))
    }

    /// The queue over a pool of the application's own; touches nothing.
    ///
    /// # Errors
    /// [`Error::Namespace`] when the schema or prefix is no identifier.
    pub fn from_pool(self, pool: impl DatabasePool) -> Result<Queue> {
        let namespace = self.namespace()?;
        Ok(Queue::open(pool.into_store(namespace, &self).0, RuntimeHandle::try_current().ok(), self.payload_limit))
    }
}

fn unknown_scheme(url: &str, scheme: &str) -> Error {
    let reason = match scheme {
        "sqlite" | "postgres" | "postgresql" => format!(
            "this program was built without the feature `{}` of plain-worker",
            if scheme == "sqlite" { "sqlite" } else { "postgres" }
        ),
        _ => "write `sqlite:FILE` or `postgres://user@host/database`".to_owned(),
    };
    Error::Url { url: without_password(url), reason }
}
