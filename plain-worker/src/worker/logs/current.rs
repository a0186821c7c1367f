//! Which run the code that runs here belongs to.

use super::super::context::Context;

tokio::task_local! {
    static RUN: Context;
}

/// Does something with the run that is current here, if there is one.
#[cfg(feature = "logs")]
pub(super) fn with<T>(work: impl FnOnce(&Context) -> T) -> Option<T> {
    RUN.try_with(work).ok()
}

/// Runs a future as a part of that run; without one, as it is.
pub(in crate::worker) async fn within<F: Future>(run: Option<Context>, work: F) -> F::Output {
    match run {
        Some(run) => RUN.scope(run, work).await,
        None => work.await,
    }
}

/// The same for a plain function.
pub(in crate::worker) fn within_sync<T>(run: Option<Context>, work: impl FnOnce() -> T) -> T {
    match run {
        Some(run) => RUN.sync_scope(run, work),
        None => work(),
    }
}
