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
        let (store, runtime): (Arc<dyn Store>, _) = match scheme {
            // A transaction that stood still under jobs that keep every thread would keep the file's lock, and with it
            // every other process: it runs where no job does.
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                let (own, url) = (super::runtime::own()?, url.to_owned());
                let opening = own.spawn(async move { crate::store::sqlite::SqliteStore::connect(&url, &self).await });
                let ended = |join: tokio::task::JoinError| Error::Unavailable {
                    doing: "open the database",
                    source: join.into(),
                };
                (Arc::new(opening.await.map_err(ended)??), Some(own.clone()))
            }
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let store = crate::store::postgres::PostgresStore::connect(url, &self).await?;
                (Arc::new(store), RuntimeHandle::try_current().ok())
            }
            _ => return Err(unknown_scheme(url, scheme)),
        };
        Ok(Queue::open(store, runtime, payload_limit))
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
