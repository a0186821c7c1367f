//! Where an enqueue goes: a queue, or the caller's own transaction.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Queue;
use crate::error::{Refused, Result};
use crate::record::{Finish, Inserted, NewRequest};
pub(crate) use crate::store::Requests;

/// The names that a store accepts are at most this long.
pub(crate) const LONGEST_NAME: usize = 200;
/// The longest unique key; longer ones from arguments are hashed before they come here.
const LONGEST_KEY: usize = 1_000;
/// Requests on their way to a [`Destination`].
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) requests: Arc<[NewRequest]>,
    /// Whether sleeping workers are to be woken.
    pub(crate) wake: bool,
}

impl Batch {
    /// Refuses what no store can hold, before anything is stored.
    pub(crate) fn check(&self, payload_limit: usize) -> Result<(), Refused> {
        for request in self.requests.iter() {
            check(request, payload_limit)?;
        }
        Ok(())
    }

    /// The queues in which something becomes ready, each once.
    pub(crate) fn queues(&self) -> Vec<String> {
        let mut queues: Vec<String> = Vec::new();
        for request in self.requests.iter() {
            if !queues.iter().any(|queue| *queue == request.queue) {
                queues.push(request.queue.to_string());
            }
        }
        queues
    }
}

pub(crate) fn check(request: &NewRequest, payload_limit: usize) -> Result<(), Refused> {
    let job = || request.job.to_string();
    let name = |what, text: &str, longest: usize| {
        let reason = if text.is_empty() {
            "is empty".to_owned()
        } else if text.len() > longest {
            format!("is {} bytes long, at most {longest} are allowed", text.len())
        } else if text.contains('\0') {
            "holds a NUL character".to_owned()
        } else {
            return Ok(());
        };
        Err(Refused::Name { job: job(), what, reason })
    };
    name("job name", &request.job, LONGEST_NAME)?;
    name("queue name", &request.queue, LONGEST_NAME)?;
    if let Some((key, _)) = &request.unique {
        name("unique key", key, LONGEST_KEY)?;
    }
    let size = request.arguments.len() + request.metadata.as_ref().map_or(0, String::len);
    if size > payload_limit {
        return Err(Refused::TooLarge { job: job(), size, limit: payload_limit });
    }
    Ok(())
}

/// Many requests on their way to a [`Destination`], all or none.
pub struct Bulk {
    pub(crate) requests: Requests,
    /// Whether some have a unique key; they are then read before they are sent.
    pub(crate) unique: bool,
    /// Whether sleeping workers are to be woken.
    pub(crate) wake: bool,
}

impl std::fmt::Debug for Bulk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bulk").finish_non_exhaustive()
    }
}

impl Bulk {
    /// The requests, each checked as it comes by.
    pub(crate) fn checked(self, payload_limit: usize) -> Requests {
        Box::new(self.requests.map(move |request| {
            let request = request?;
            check(&request, payload_limit)?;
            Ok(request)
        }))
    }
}

/// What a destination answers.
#[derive(Debug)]
pub struct Placed {
    pub(crate) inserted: Vec<Inserted>,
    /// The queue to ask about the jobs later; none for a bare transaction.
    pub(crate) queue: Option<Queue>,
    /// Whether the jobs exist only once the caller commits.
    pub(crate) uncommitted: bool,
}

/// Where an enqueue goes: `&Queue`, or the caller's own transaction or connection.
///
/// Implemented for `&Queue`, and (with the feature of the database) for
/// `&mut Transaction` and `&mut PgConnection` / `&mut SqliteConnection` of sqlx.
/// A bare transaction or connection takes the tables of the process-wide queue
/// where that is on the same kind of database, else the default ones;
/// [`Queue::within`] names the queue.
///
/// Inside a transaction a job exists if and only if the transaction commits.
/// A second transaction that enqueues the same unique key waits for the first
/// one to end. Deadlocks and serialization failures come back as
/// [`Error::Conflict`](crate::Error::Conflict): run the transaction again.
/// On SQLite begin with `pool.begin_with("BEGIN IMMEDIATE")` where the
/// transaction reads before it enqueues; a deferred one fails at once when
/// another connection has written in between.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # async fn example(pool: sqlx::SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
/// # use plain_worker::job;
/// #[job]
/// async fn send_receipt(order: i64) {}
///
/// let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
/// sqlx::query("INSERT INTO orders (id) VALUES (7)").execute(&mut *tx).await?;
/// send_receipt::enqueue(7).on(&mut tx).await?;
/// tx.commit().await?; // now both exist
/// # Ok(())
/// # }
/// ```
pub trait Destination<'w>: Send + 'w {
    /// Stores the requests, all or none.
    #[doc(hidden)]
    fn place(self: Box<Self>, batch: Batch) -> BoxFuture<'w, Result<Placed>>;

    /// Stores what the iterator gives, all or none.
    #[doc(hidden)]
    fn place_all(self: Box<Self>, bulk: Bulk) -> BoxFuture<'w, Result<Placed>>;
}

impl<'w> Destination<'w> for &'w Queue {
    fn place(self: Box<Self>, batch: Batch) -> BoxFuture<'w, Result<Placed>> {
        Box::pin((*self).clone().insert(batch))
    }

    fn place_all(self: Box<Self>, bulk: Bulk) -> BoxFuture<'w, Result<Placed>> {
        Box::pin((*self).clone().insert_all(bulk))
    }
}

impl Destination<'static> for Queue {
    fn place(self: Box<Self>, batch: Batch) -> BoxFuture<'static, Result<Placed>> {
        Box::pin((*self).insert(batch))
    }

    fn place_all(self: Box<Self>, bulk: Bulk) -> BoxFuture<'static, Result<Placed>> {
        Box::pin((*self).insert_all(bulk))
    }
}

/// The process-wide queue, looked up when the enqueue is sent.
#[derive(Debug)]
pub(crate) struct ProcessWide;

impl Destination<'static> for ProcessWide {
    fn place(self: Box<Self>, batch: Batch) -> BoxFuture<'static, Result<Placed>> {
        Box::pin(async { Queue::process_wide().await?.insert(batch).await })
    }

    fn place_all(self: Box<Self>, bulk: Bulk) -> BoxFuture<'static, Result<Placed>> {
        Box::pin(async { Queue::process_wide().await?.insert_all(bulk).await })
    }
}

/// A connection of the caller together with the queue whose tables it writes; see [`Queue::within`].
#[derive(Debug)]
pub struct Within<'w, C> {
    pub(crate) queue: &'w Queue,
    pub(crate) connection: &'w mut C,
}

/// The end of a run on its way into the caller's transaction.
#[derive(Clone, Debug)]
pub struct Ending(pub(crate) Finish);

/// A transaction or connection of the caller's in which a job can complete itself; see
/// [`Context::complete_in`](crate::Context::complete_in).
pub trait Completion<'w>: Send + 'w {
    /// Records the end; `false` when the run was taken over.
    #[doc(hidden)]
    fn complete(self, queue: Queue, end: Ending) -> BoxFuture<'w, Result<bool>>;
}
