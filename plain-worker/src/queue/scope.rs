//! A queue for the part of a program that runs inside of it, instead of the process-wide one.

use super::Queue;

tokio::task_local! {
    static SCOPED: Queue;
}

/// The queue of the scope that is current here.
pub(crate) fn current() -> Option<Queue> {
    SCOPED.try_with(Queue::clone).ok()
}

/// Runs a future with that queue as its process-wide one; without a queue, as it is.
pub(crate) async fn within<F: Future>(queue: Option<Queue>, work: F) -> F::Output {
    match queue {
        Some(queue) => SCOPED.scope(queue, work).await,
        None => work.await,
    }
}

/// The same for a plain function.
pub(crate) fn within_sync<T>(queue: Option<Queue>, work: impl FnOnce() -> T) -> T {
    match queue {
        Some(queue) => SCOPED.sync_scope(queue, work),
        None => work(),
    }
}
