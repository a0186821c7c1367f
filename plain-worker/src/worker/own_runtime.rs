//! A runtime of the worker's own, for jobs alone.

use tokio::runtime::Handle;

use crate::error::{Error, Result};

/// A runtime for jobs alone.
pub(super) struct OwnRuntime(Option<tokio::runtime::Runtime>);

impl OwnRuntime {
    pub(super) fn start(threads: usize) -> Result<Self> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("plain-worker jobs")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| Error::Worker(format!("no threads could be started for the jobs: {error}")))
    }

    pub(super) fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // Waiting for its threads could take for ever, and is not allowed in async code.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
