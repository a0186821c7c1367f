//! When a failed job runs again.

use std::time::Duration;

use rand::RngExt;

/// How long a job waits after its n-th failure.
///
/// The first argument of each is the wait after the first failure. All but
/// [`Backoff::custom`] are spread by ±20 % so that jobs that failed together
/// do not come back together.
///
/// ```
/// use plain_worker::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::exponential(Duration::from_secs(15));
/// let third = backoff.delay_after(3);
/// assert!(third >= Duration::from_secs(48) && third <= Duration::from_secs(72));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    kind: Kind,
    cap: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Exponential(Duration),
    Linear(Duration),
    Fixed(Duration),
    List(&'static [Duration]),
    Custom(fn(u32) -> Duration),
}

/// The longest wait unless [`Backoff::cap`] says otherwise.
const CAP: Duration = Duration::from_secs(60 * 60);
/// The share by which a wait is spread, each way.
const JITTER: f64 = 0.2;

impl Backoff {
    /// What a job has that names no backoff: exponential from 15 s, at most one hour.
    pub const DEFAULT: Self = Self::exponential(Duration::from_secs(15));

    /// `first`, twice that, four times that, … at most one hour.
    #[must_use]
    pub const fn exponential(first: Duration) -> Self {
        Self { kind: Kind::Exponential(first), cap: CAP }
    }

    /// `step`, two steps, three steps, … at most one hour.
    #[must_use]
    pub const fn linear(step: Duration) -> Self {
        Self { kind: Kind::Linear(step), cap: CAP }
    }

    /// The same wait each time.
    #[must_use]
    pub const fn fixed(wait: Duration) -> Self {
        Self { kind: Kind::Fixed(wait), cap: Duration::MAX }
    }

    /// These waits one after the other; the last one repeats. An empty list is no wait.
    #[must_use]
    pub const fn list(waits: &'static [Duration]) -> Self {
        Self { kind: Kind::List(waits), cap: Duration::MAX }
    }

    /// A function of the number of failures so far (1, 2, …), taken exactly: no jitter, no cap.
    ///
    /// A panic in it is caught and counts as [`Backoff::DEFAULT`].
    #[must_use]
    pub const fn custom(wait: fn(u32) -> Duration) -> Self {
        Self { kind: Kind::Custom(wait), cap: Duration::MAX }
    }

    /// The longest wait, before jitter.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// The wait after that many failures (1, 2, …), jitter included; never overflows.
    #[must_use]
    pub fn delay_after(&self, failures: u32) -> Duration {
        self.delay_with(failures, rand::rng().random_range(-JITTER..=JITTER))
    }

    /// The same with the jitter given: `spread` is the share that is added (−0.2 to 0.2).
    pub(crate) fn delay_with(&self, failures: u32, spread: f64) -> Duration {
        let nth = failures.max(1);
        let wait = match self.kind {
            // 2^31 times a nanosecond-sized first wait is past any cap, so a larger power changes nothing.
            Kind::Exponential(first) => first.saturating_mul(1_u32 << (nth - 1).min(31)),
            Kind::Linear(step) => step.saturating_mul(nth),
            Kind::Fixed(wait) => wait,
            Kind::List(waits) => {
                let last = waits.len().saturating_sub(1);
                waits.get((nth as usize - 1).min(last)).copied().unwrap_or_default()
            }
            Kind::Custom(wait) => {
                return std::panic::catch_unwind(|| wait(nth))
                    .unwrap_or_else(|_| Self::DEFAULT.delay_with(nth, spread));
            }
        };
        let seconds = wait.min(self.cap).as_secs_f64() * (1.0 + spread);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const WAITS: &[Duration] = &[SECOND, Duration::from_secs(10)];

    #[test]
    fn waits_grow_as_their_kind_says_and_stop_at_the_cap() {
        let after = |backoff: Backoff| [1, 2, 3, 4].map(|n| backoff.delay_with(n, 0.0).as_secs());
        assert_eq!(after(Backoff::exponential(SECOND)), [1, 2, 4, 8]);
        assert_eq!(after(Backoff::exponential(SECOND).cap(SECOND * 3)), [1, 2, 3, 3]);
        assert_eq!(after(Backoff::linear(SECOND * 2)), [2, 4, 6, 8]);
        assert_eq!(after(Backoff::fixed(SECOND * 5)), [5; 4]);
        assert_eq!(after(Backoff::list(WAITS)), [1, 10, 10, 10]);
        assert_eq!(after(Backoff::list(&[])), [0; 4]);
        assert_eq!(after(Backoff::custom(|n| Duration::from_secs(u64::from(n) * 7))), [7, 14, 21, 28]);
    }

    #[test]
    fn no_number_of_failures_overflows() {
        for backoff in [Backoff::DEFAULT, Backoff::linear(Duration::MAX), Backoff::exponential(Duration::MAX)] {
            assert!(backoff.delay_with(u32::MAX, 0.2) >= Duration::from_secs(60 * 60));
        }
        assert_eq!(Backoff::DEFAULT.delay_with(u32::MAX, 0.0), CAP);
    }

    #[test]
    fn a_panic_in_a_custom_backoff_counts_as_the_default() {
        let backoff = Backoff::custom(|_| panic!("no"));
        assert_eq!(backoff.delay_with(1, 0.0), Duration::from_secs(15));
    }
}
