//! What people do to jobs: the same words for the command line, the pages and programs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::record::JobFilter;
use crate::status::JobState;

/// What is done to a job, or to all that a filter chooses; see [`Queue::change`](crate::Queue::change) and
/// [`BulkChange`](crate::BulkChange).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It runs again, or at once, with all its retries.
    Retry,
    /// It is cancelled, or its worker is asked to stop it.
    Cancel,
    /// It goes away with its history, unless it runs.
    Delete,
    /// It waits elsewhere, or for another time.
    Requeue(Requeue),
}

/// Where a waiting job goes; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requeue {
    /// The queue.
    pub queue: Option<String>,
    /// The priority.
    pub priority: Option<i16>,
    /// When it is due, by the database's clock.
    pub due_at: Option<DateTime<Utc>>,
}

/// What became of a [`Change`] of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// It was done.
    Done,
    /// The job stands where this cannot be done to it.
    Unfit,
    /// There is no such job (any more).
    Gone,
}

impl Change {
    /// Its word: `retry`, `cancel`, `delete`, `requeue`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
            Self::Requeue(_) => "requeue",
        }
    }

    /// The filter, limited to the states in which this makes a difference.
    #[must_use]
    pub fn limit(&self, mut filter: JobFilter) -> JobFilter {
        let fits = |state: &JobState| match self {
            // A ready job is what a retry would make of it.
            Self::Retry => !matches!(state, JobState::Running | JobState::Ready),
            Self::Cancel => !state.is_final(),
            Self::Delete => *state != JobState::Running,
            Self::Requeue(_) => !state.is_final() && *state != JobState::Running,
        };
        let named = std::mem::take(&mut filter.states);
        let of = if named.is_empty() { JobState::ALL } else { &named };
        filter.states = of.iter().copied().filter(fits).collect();
        if filter.states.is_empty() {
            // None at all would let all through; what runs and has ended is nothing.
            filter.states = named;
            filter.ended_before = Some(DateTime::UNIX_EPOCH);
        }
        filter
    }
}

/// How fast a [`BulkChange`](crate::BulkChange) goes: so many jobs in a time.
///
/// ```
/// use plain_worker::Pace;
/// assert_eq!("20/s".parse::<Pace>()?.to_string(), "20/s");
/// assert_eq!("6000/min".parse::<Pace>()?, Pace::per_second(100));
/// assert!("fast".parse::<Pace>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one job to the next.
    step: Duration,
}

impl Pace {
    /// So many jobs a second, at least one.
    #[must_use]
    pub fn per_second(jobs: u32) -> Self {
        Self { step: Duration::from_secs(1) / jobs.max(1) }
    }

    pub(crate) const fn step(self) -> Duration {
        self.step
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no pace: write for example 20/s, 600/min or 5000/h");
        let (jobs, unit) = text.split_once('/').unwrap_or((text, "s"));
        let jobs: u32 = jobs.trim().parse().map_err(|_| wrong())?;
        let span = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            _ => return Err(wrong()),
        };
        if jobs == 0 {
            return Err(wrong());
        }
        Ok(Self { step: Duration::from_secs(span) / jobs })
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = 1.0 / self.step.as_secs_f64().max(f64::MIN_POSITIVE);
        if second >= 1.0 { write!(f, "{second:.0}/s") } else { write!(f, "{:.0}/h", second * 3_600.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_limited_to_where_it_makes_a_difference() {
        let states = |change: &Change, filter| change.limit(filter).states;
        let all = JobFilter::new;
        assert!(!states(&Change::Retry, all()).contains(&JobState::Running));
        assert!(states(&Change::Cancel, all()).contains(&JobState::Running));
        assert_eq!(states(&Change::Delete, all().state(JobState::Dead)), [JobState::Dead]);
        let nothing = Change::Cancel.limit(all().state(JobState::Dead));
        assert!(nothing.ended_before.is_some(), "no state is not every state");
    }

    #[test]
    fn a_pace_has_a_number_and_a_time() {
        assert_eq!("20/s".parse(), Ok(Pace { step: Duration::from_millis(50) }));
        assert_eq!("20".parse(), Ok(Pace { step: Duration::from_millis(50) }));
        assert_eq!("30/min".parse::<Pace>().map(|pace| pace.to_string()), Ok("1800/h".to_owned()));
        for wrong in ["0/s", "-1/s", "20/d", "", "x"] {
            assert!(wrong.parse::<Pace>().is_err(), "{wrong}");
        }
    }
}
