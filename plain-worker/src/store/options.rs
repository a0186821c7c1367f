//! What can be chosen when a database is opened.

use crate::error::Result;

use super::{Clock, Namespace};

/// The largest arguments of one job, in bytes, unless a queue says otherwise.
pub(crate) const PAYLOAD_LIMIT: usize = 1024 * 1024;

/// How a queue is opened.
///
/// ```no_run
/// # async fn example() -> plain_worker::Result<()> {
/// use plain_worker::Queue;
///
/// let shop = Queue::options().schema("shop_jobs").connect("postgres://localhost/app").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `connect` or `from_pool`"]
pub struct QueueOptions {
    pub(crate) schema: String,
    pub(crate) payload_limit: usize,
    pub(crate) clock: Clock,
    pub(crate) pool_size: Option<u32>,
    pub(crate) durability: Durability,
    pub(crate) network_file: bool,
}

/// What a commit on SQLite survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Also the loss of power (`synchronous=FULL`).
    #[default]
    PowerLoss,
    /// The death of the process, but the last commits may be gone after a loss of power (`synchronous=NORMAL`).
    ProcessDeath,
}

impl QueueOptions {
    /// The default options.
    pub fn new() -> Self {
        Self {
            schema: Namespace::default().as_str().to_owned(),
            payload_limit: PAYLOAD_LIMIT,
            clock: Clock::Database,
            pool_size: None,
            durability: Durability::default(),
            network_file: false,
        }
    }

    /// The schema (Postgres) or table prefix (SQLite): `plain_worker` by default.
    ///
    /// 1 to 40 lower-case letters, digits and underscores, beginning with a letter. SQLite's
    /// tables are named prefix, underscore, name.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// The largest arguments of one job, in bytes: 1 MiB by default.
    pub fn payload_limit(mut self, bytes: usize) -> Self {
        self.payload_limit = bytes;
        self
    }

    /// The clock that decides what is due.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The most connections that [`connect`](Self::connect) opens for statements: 8 by default.
    ///
    /// A worker holds two more, for its heartbeat and for wake-ups.
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = Some(connections);
        self
    }

    /// What a commit on SQLite survives, for connections that [`connect`](Self::connect) opens.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Lets a SQLite file lie on a network file system, whose locks are often broken; refused otherwise.
    pub fn network_file(mut self, allowed: bool) -> Self {
        self.network_file = allowed;
        self
    }

    pub(crate) fn namespace(&self) -> Result<Namespace> {
        Namespace::new(&self.schema)
    }
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A pool of sqlx that a queue can stand on: `SqlitePool` or `PgPool`, with the feature of that database.
pub trait DatabasePool: sealed::IntoStore {}

impl<P: sealed::IntoStore> DatabasePool for P {}

/// Keeps the list of pools ours.
pub(crate) mod sealed {
    use std::sync::Arc;

    use super::QueueOptions;
    use crate::store::{Namespace, Store};

    /// A store behind a name that may stand in public signatures.
    pub struct AnyStore(pub(crate) Arc<dyn Store>);

    pub trait IntoStore {
        #[doc(hidden)]
        fn into_store(self, namespace: Namespace, options: &QueueOptions) -> AnyStore;
    }
}

/// The URL as it may be shown: what stands between the user's name and the host is left out.
pub(crate) fn without_password(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        // `user:secret@host` without a scheme may hold a password too.
        return if url.contains('@') { "…".to_owned() } else { url.to_owned() };
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = path.split('?').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{path}")
        }
        None => format!("{scheme}://{authority}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (url, shown) in [
            ("postgres://me:secret@host:5432/app?password=secret", "postgres://me@host:5432/app"),
            ("postgres://host/app", "postgres://host/app"),
            ("postgres://me:se@cret@host/app", "postgres://me@host/app"),
            ("sqlite:jobs@home.db", "sqlite:jobs@home.db"),
            ("me:secret@host", "…"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
