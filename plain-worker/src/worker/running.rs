//! What this worker runs at the moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, RwLock, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::company::Company;
use super::context::Cancellation;
use super::telling::Bell;
use crate::record::RunToken;
use crate::status::CancelReason;

/// How long a claim may still be under way in the database after its caller was told that it failed.
const LATE_CLAIM: Duration = Duration::from_secs(45);

/// The runs of a worker from their claim until their end is recorded.
#[derive(Debug, Default)]
pub(super) struct Running {
    runs: Mutex<HashMap<RunToken, Cancellation>>,
    /// Rung at each end.
    ended: Notify,
    /// Rung when a job has become scheduled that is due soon.
    pub(super) soon: Notify,
    /// Rung when runs may have been taken over.
    pub(super) doubt: Notify,
    /// Ends async jobs that outstay the grace period.
    pub(super) kill: CancellationToken,
    /// The tasks and threads of jobs, until they have really ended.
    pub(super) working: TaskTracker,
    /// Held by a claim until what it brought is noted here.
    pub(super) claiming: RwLock<()>,
    /// Until when a claim that failed may turn out to have brought something.
    failed_until: Mutex<Option<Instant>>,
    /// Who runs beside whom.
    pub(super) company: Company,
    /// Where runs report what they tell.
    pub(super) bell: Arc<Bell>,
    /// Whether others may take this worker for dead at the moment, so that it must claim nothing.
    cut_off: watch::Sender<bool>,
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

    /// A claim failed: it may have been made all the same, and its answer lost.
    pub(super) fn claim_failed(&self) {
        *self.failed_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + LATE_CLAIM);
        self.doubt.notify_one();
    }

    /// Whether this worker may hold runs that it does not know of.
    pub(super) fn may_hold_more(&self) -> bool {
        let mut until = self.failed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = until.filter(|until| *until > Instant::now());
        until.is_some()
    }

    /// Says whether the worker is cut off from its database.
    pub(super) fn cut_off(&self, cut_off: bool) {
        self.cut_off.send_if_modified(|now| std::mem::replace(now, cut_off) != cut_off);
    }

    /// Waits while the worker is cut off.
    pub(super) async fn reached(&self) {
        // The sender lives as long as we do.
        let _ = self.cut_off.subscribe().wait_for(|cut_off| !cut_off).await;
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
