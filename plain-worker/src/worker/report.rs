//! What a worker did: the report that it gives at its end, and the counters behind it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::record::{Finish, Next};
use crate::status::JobState;

/// What a worker did, from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerReport {
    /// Jobs that ended well.
    pub succeeded: u64,
    /// Attempts that failed and are tried again.
    pub retrying: u64,
    /// Jobs that failed for good.
    pub dead: u64,
    /// Jobs that ended in another way: cancelled or expired.
    pub other: u64,
    /// Running jobs that were given back at the shutdown, or put off.
    pub handed_back: u64,
    /// Whether everything that ran was ended or handed back in time; what was not is rescued by other workers.
    pub clean: bool,
    /// Whether it stopped because it had run as many jobs as it should.
    pub used_up: bool,
}

/// The report in the making.
#[derive(Debug, Default)]
pub(super) struct Tally {
    succeeded: AtomicU64,
    retrying: AtomicU64,
    dead: AtomicU64,
    other: AtomicU64,
    handed_back: AtomicU64,
    /// Rung at each count, for whoever waits for a number.
    counted: Notify,
}

impl Tally {
    pub(super) fn count(&self, finish: &Finish) {
        let counter = match &finish.next {
            Next::End(JobState::Succeeded) => &self.succeeded,
            Next::End(JobState::Dead) => &self.dead,
            Next::End(_) => &self.other,
            Next::Again(again) if again.state == JobState::Retrying => &self.retrying,
            Next::Again(_) => &self.handed_back,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.counted.notify_waiters();
    }

    /// Waits until so many attempts have ended here.
    pub(super) async fn reaches(&self, number: u64) {
        loop {
            let counted = self.counted.notified();
            tokio::pin!(counted);
            // Registered before the look, so that no count falls in between.
            counted.as_mut().enable();
            let WorkerReport { succeeded, retrying, dead, other, handed_back, .. } = self.report(true);
            if succeeded + retrying + dead + other + handed_back >= number {
                return;
            }
            counted.await;
        }
    }

    pub(super) fn report(&self, clean: bool) -> WorkerReport {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WorkerReport {
            succeeded: read(&self.succeeded),
            retrying: read(&self.retrying),
            dead: read(&self.dead),
            other: read(&self.other),
            handed_back: read(&self.handed_back),
            clean,
            used_up: false,
        }
    }
}
