//! What this worker runs at the moment.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::context::Cancellation;
use crate::record::RunToken;
use crate::status::CancelReason;

/// The runs of a worker from their claim until their end is recorded.
#[derive(Debug, Default)]
pub(super) struct Running {
    runs: Mutex<HashMap<RunToken, Cancellation>>,
    /// Rung at each end.
    ended: Notify,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunToken, Cancellation>> {
        // Single calls on a map: nothing is half-done when a thread dies.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn started(&self, token: RunToken) -> Cancellation {
        let cancellation = Cancellation::default();
        self.lock().insert(token, cancellation.clone());
        cancellation
    }

    pub(super) fn ended(&self, token: RunToken) {
        self.all_ended([token]);
    }

    pub(super) fn all_ended(&self, tokens: impl IntoIterator<Item = RunToken>) {
        {
            let mut runs = self.lock();
            for token in tokens {
                runs.remove(&token);
            }
        }
        self.ended.notify_waiters();
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn tokens(&self) -> Vec<RunToken> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn cancel(&self, token: RunToken, reason: CancelReason) {
        if let Some(cancellation) = self.lock().get(&token) {
            cancellation.cancel(reason);
        }
    }

    pub(super) fn cancel_all(&self, reason: CancelReason) {
        for cancellation in self.lock().values() {
            cancellation.cancel(reason);
        }
    }

    /// Waits until nothing runs.
    pub(super) async fn idle(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // Registered before the look, so that no end falls in between.
            ended.as_mut().enable();
            if self.lock().is_empty() {
                return;
            }
            ended.await;
        }
    }
}
