use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::record::JobId;
use crate::status::JobState;

/// A worker as its row says.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct WorkerView {
    /// Its id, new at each start.
    pub id: Uuid,
    /// The name of its machine.
    pub host: String,
    /// The number of its process there.
    pub pid: i64,
    /// The version of this library in it.
    pub version: String,
    /// The build of the application.
    pub build: String,
    /// The queues that it serves; `None` for all of them.
    pub queues: Option<Vec<String>>,
    /// The names of the jobs that it can run, each with the shape of its arguments.
    pub knows: BTreeMap<String, String>,
    /// How many jobs it runs at once.
    pub concurrency: i64,
    /// How many it runs now.
    pub running: i64,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it last said that it lives.
    pub heartbeat_at: DateTime<Utc>,
    /// Whether that was within its lease.
    pub alive: bool,
}

impl WorkerView {
    /// Whether it takes jobs out of this queue.
    #[must_use]
    pub fn serves(&self, queue: &str) -> bool {
        self.queues.as_ref().is_none_or(|queues| queues.iter().any(|name| name == queue))
    }
}

/// How many jobs of a queue stand in one state that is not final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Depth {
    /// The queue.
    pub queue: String,
    /// The state.
    pub state: JobState,
    /// How many; [`Self::BOUND`] stands for that many or more.
    pub count: u64,
    /// Since when the oldest of those looked at is due, or runs.
    pub oldest: Option<DateTime<Utc>>,
}

impl Depth {
    /// What is counted at most, so that a count costs the same with ten thousand and with ten million jobs.
    pub const BOUND: u64 = 10_000;
}

/// What [`Queue::rates`](crate::Queue::rates) is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateQuery {
    /// How many seconds back from now.
    pub seconds: i64,
    /// How many seconds one step of the answer is; one step for all when 0.
    pub step: i64,
    /// Whether queues and jobs are told apart.
    pub by_name: bool,
    /// Only of this queue.
    pub queue: Option<String>,
    /// Only of this job.
    pub job: Option<String>,
}

impl RateQuery {
    /// The last so many seconds, in one step.
    #[must_use]
    pub fn last(seconds: i64) -> Self {
        Self { seconds: seconds.clamp(60, 40 * 86_400), ..Self::default() }
    }

    /// In steps of so many seconds.
    #[must_use]
    pub fn step(mut self, seconds: i64) -> Self {
        self.step = seconds.max(60);
        self
    }

    /// With queues and jobs told apart.
    #[must_use]
    pub fn by_name(mut self) -> Self {
        self.by_name = true;
        self
    }
}

/// What a sum counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateKind {
    /// Jobs that ended well.
    Succeeded,
    /// Jobs that failed for good.
    Dead,
    /// Attempts that failed and are tried again.
    Failed,
    /// How long jobs waited after they were due; not an end.
    Wait,
    /// Other ends: `cancelled`, `expired`, `lost`, `snoozed`, `handed_back`.
    Other(String),
}

impl From<String> for RateKind {
    fn from(text: String) -> Self {
        match text.as_str() {
            "succeeded" => Self::Succeeded,
            "dead" => Self::Dead,
            "failed" => Self::Failed,
            "wait" => Self::Wait,
            _ => Self::Other(text),
        }
    }
}

/// The upper bounds of the buckets of time, in microseconds; one more bucket has no bound.
pub const RATE_BOUNDS: [i64; 20] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    1_800_000_000,
    3_600_000_000,
];

/// How many attempts ended, or waits, of one kind lie in one bucket of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rate {
    /// The start of the step, in seconds since 1970; 0 where there is one step only.
    pub at: i64,
    /// The queue; empty where names are not told apart.
    pub queue: String,
    /// The job; empty where names are not told apart.
    pub job: String,
    /// What is counted.
    pub kind: RateKind,
    /// The place of the bucket in [`RATE_BOUNDS`]: the first whose bound is above the time.
    pub bucket: usize,
    /// How many.
    pub count: u64,
    /// Their times together, in microseconds.
    pub total_us: i64,
}

/// The time below which that share of the counted lies, in microseconds, read off their buckets; `None` of nothing.
///
/// ```
/// use plain_worker::percentile;
/// // Nine below 1 ms, one between 20 and 50 ms.
/// assert_eq!(percentile([(0, 9), (5, 1)], 0.5), Some(1_000));
/// assert_eq!(percentile([(0, 9), (5, 1)], 0.99), Some(50_000));
/// ```
#[must_use]
pub fn percentile(buckets: impl IntoIterator<Item = (usize, u64)>, share: f64) -> Option<i64> {
    let mut counts = [0_u64; RATE_BOUNDS.len() + 1];
    for (bucket, count) in buckets {
        counts[bucket.min(RATE_BOUNDS.len())] += count;
    }
    let total: u64 = counts.iter().sum();
    // Counts are far below 2^52.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let wanted = ((total as f64 * share).ceil() as u64).max(1);
    let mut seen = 0;
    let place = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    })?;
    Some(RATE_BOUNDS[place.min(RATE_BOUNDS.len() - 1)])
}

/// One change that a person made.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AuditRow {
    /// Its number, growing.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, as told.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: Option<String>,
    /// To how many.
    pub count: i64,
}

/// A job as a point in a picture of runs over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunPoint {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// When it was or is due.
    pub due_at: DateTime<Utc>,
    /// When its last attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub ended_at: Option<DateTime<Utc>>,
}
