//! The runtime on which database work runs.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle, Runtime};

use super::scope;
use crate::error::{Error, Result};

/// A runtime of our own with one thread, made when it is first needed.
///
/// The process-wide queue lives on it, since a pool dies with the runtime that
/// made it: a second `#[tokio::test]` would find a dead one.
pub(crate) fn own() -> Result<&'static Handle> {
    static OWN: OnceLock<std::result::Result<Runtime, String>> = OnceLock::new();
    OWN.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("plain-worker")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
    })
    .as_ref()
    .map(Runtime::handle)
    .map_err(|reason| Error::Setting(format!("no thread could be started for the database: {reason}")))
}

/// Runs a future on our own runtime and waits for it on this thread, whichever that is.
pub(crate) fn block_on<F>(future: F) -> Result<<F::Output as Outcome>::Value>
where
    F: Future<Output: Outcome> + Send + 'static,
    <F::Output as Outcome>::Value: Send + 'static,
{
    let (answer, answered) = mpsc::sync_channel(1);
    let future = scope::within(scope::current(), future);
    own()?.spawn(async move {
        // The receiver waits below for as long as this runs.
        let _ = answer.send(future.await.into_result());
    });
    answered.recv().map_err(|_| Error::Setting("the enqueue panicked; its message is above".to_owned()))?
}

/// A result of this crate, so that [`block_on`] can add its own errors to it.
pub(crate) trait Outcome {
    type Value;
    fn into_result(self) -> Result<Self::Value>;
}

impl<T> Outcome for Result<T> {
    type Value = T;
    fn into_result(self) -> Self {
        self
    }
}
