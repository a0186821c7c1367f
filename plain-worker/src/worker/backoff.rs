//! How long a loop waits before it tries the database again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Growing waits with full jitter above a floor, so that a fleet does not come back in step.
#[derive(Debug)]
pub(super) struct Reconnect {
    first: Duration,
    next: Duration,
}

impl Reconnect {
    pub(super) fn new() -> Self {
        Self { first: FIRST, next: FIRST }
    }

    /// For what must be back within a second.
    pub(super) fn quick() -> Self {
        Self { first: FIRST / 4, next: FIRST / 4 }
    }

    /// The wait before the next try.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.next.mul_f64(rand::random_range(0.5..1.5));
        self.next = (self.next * 2).min(LONGEST);
        wait
    }

    /// It works again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}
