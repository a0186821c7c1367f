//! The rows that go in and out of a store, and the transitions between them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::filter::{Column, Comparison, Expression, Filter, FilterError, Matching, Moment, Term, When};
use crate::status::{AttemptStatus, CancelReason, ErrorKind, JobState, OnLost, UniqueUntil};
use crate::telling::Progress;

/// The id of a job: one through all its attempts, made where it is enqueued.
///
/// A UUID of version 7, so ids sort by the time of the enqueuing machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// A new id.
    #[must_use]
    pub(crate) fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl From<Uuid> for JobId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// When a new request is due, by the database's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Now,
    In(Duration),
    At(DateTime<Utc>),
}

/// A job on its way into the database.
#[derive(Clone, Debug)]
pub(crate) struct NewRequest {
    pub id: JobId,
    pub job: Cow<'static, str>,
    pub queue: Cow<'static, str>,
    pub priority: i16,
    pub due: Due,
    pub expires_in: Option<Duration>,
    pub arguments: String,
    pub shape: Cow<'static, str>,
    pub retries: u32,
    pub timeout: Option<Duration>,
    pub on_lost: OnLost,
    pub unique: Option<(String, UniqueUntil)>,
    pub metadata: Option<String>,
    pub source: Option<String>,
    pub trace_context: Option<String>,
    pub slot: Option<DateTime<Utc>>,
}

impl NewRequest {
    /// Whether it differs from another in its id and arguments only, and holds no key.
    pub(crate) fn alike(&self, other: &Self) -> bool {
        self.unique.is_none()
            && other.unique.is_none()
            && self.job == other.job
            && self.queue == other.queue
            && self.priority == other.priority
            && self.due == other.due
            && self.expires_in == other.expires_in
            && self.shape == other.shape
            && self.retries == other.retries
            && self.timeout == other.timeout
            && self.on_lost == other.on_lost
            && self.metadata == other.metadata
            && self.source == other.source
            && self.trace_context == other.trace_context
            && self.slot == other.slot
    }
}

/// What became of a request that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Inserted {
    /// It is stored under this id.
    New(JobId),
    /// Its unique key is held by this job, so nothing was stored.
    Existing(JobId, JobState),
}

impl Inserted {
    /// The id of the job that is there now.
    #[must_use]
    pub const fn id(&self) -> JobId {
        match self {
            Self::New(id) | Self::Existing(id, _) => *id,
        }
    }

    /// Whether this enqueue stored the job.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// The token of one run: unique, growing, and in the condition of every write about the run.
pub(crate) type RunToken = i64;

/// The id of a worker: a UUID for each start, so that a restarted machine is not taken for its former self.
pub(crate) type WorkerId = Uuid;

/// One claimed attempt, as the store hands it to a worker.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub token: RunToken,
    pub id: JobId,
    pub job: String,
    pub queue: String,
    pub priority: i16,
    pub due_at: DateTime<Utc>,
    pub enqueued_at: DateTime<Utc>,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// Whether `expires_at` had passed when it was claimed.
    pub expired: bool,
    pub arguments: String,
    pub shape: String,
    /// This attempt's number, already counted.
    pub attempt: i32,
    pub failures: i32,
    pub losses: i32,
    pub hand_backs: i32,
    pub retries: i32,
    pub timeout: Option<Duration>,
    pub on_lost: OnLost,
    pub unique: Option<(String, UniqueUntil)>,
    pub metadata: Option<String>,
    pub slot: Option<DateTime<Utc>>,
}

/// What a claim asks for.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub worker: WorkerId,
    pub build: String,
    /// The queues to serve; all of them when `None`.
    pub queues: Option<Vec<String>>,
    /// No jobs of these queues.
    pub except_queues: Vec<String>,
    /// Only jobs of these names, if given.
    pub only: Option<Vec<String>>,
    /// No jobs of these (name, shape) pairs; an empty shape stands for all shapes of the name.
    pub except: Vec<(String, String)>,
    pub limit: u32,
    /// What earlier claims of the same kind have seen.
    pub trail: Trail,
}

/// Where a ready request stands among those of its queue and job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub priority: i16,
    pub due_at: DateTime<Utc>,
    pub seq: i64,
}

/// What the claims of one lane have seen, so that the next one starts where the last one ended instead of walking over
/// rows that are gone but not yet vacuumed. All clones are the same trail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail(Arc<Mutex<Option<Seen>>>);

/// The only queue and job that had ready requests at the last full look, and how far claims have come since.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub queue: String,
    pub job: String,
    /// Nothing that was there at the last full look stands before this.
    pub last: Option<Place>,
    looked: Instant,
    took: Duration,
    /// Whether something may have come in since.
    woken: bool,
}

impl Trail {
    /// How long a trail is followed before everything is looked at again.
    const FRESH: Duration = Duration::from_millis(100);

    fn lock(&self) -> MutexGuard<'_, Option<Seen>> {
        // Single assignments: nothing is half-done when a thread dies.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, if no full look is due. One is due after a wake-up and from time to time, but takes no large part
    /// of the time, however long it takes.
    pub(crate) fn follow(&self) -> Option<Seen> {
        let seen = self.lock();
        let seen = seen.as_ref()?;
        let good_for = if seen.woken { seen.took * 5 } else { Self::FRESH.max(seen.took * 20) };
        (seen.looked.elapsed() < good_for).then(|| seen.clone())
    }

    /// Begins anew after a full look that began then.
    pub(crate) fn learn(&self, queue: String, job: String, looked: Instant) {
        *self.lock() = Some(Seen { queue, job, last: None, looked, took: looked.elapsed(), woken: false });
    }

    /// A claim came back full, and ended here.
    pub(crate) fn advance(&self, to: Place) {
        if let Some(seen) = &mut *self.lock() {
            seen.last = Some(to);
        }
    }

    /// Something may have come in before the end of the trail.
    pub(crate) fn wake(&self) {
        if let Some(seen) = &mut *self.lock() {
            seen.woken = true;
        }
    }

    /// The trail has come to its end.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }
}

/// The end of a run, as decided by the outcome and written by the store, fenced by the token.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    pub token: RunToken,
    pub id: JobId,
    /// The unique key that the job holds, freed when it ends for good.
    pub held: Option<HeldKey>,
    /// The row in the history; none for a run that goes back untouched.
    pub record: Option<Record>,
    /// How often the job has failed, been lost and been handed back, this end counted.
    pub failures: i32,
    pub losses: i32,
    pub hand_backs: i32,
    pub next: Next,
}

impl Finish {
    /// Whether it is what nearly all ends are: a success that says nothing but its output, and frees no key.
    pub(crate) fn went_well(&self) -> bool {
        self.held.is_none()
            && self.next == Next::End(JobState::Succeeded)
            && matches!(&self.record, Some(Record { status: AttemptStatus::Successful, kind: None, error: None, .. }))
    }

    /// The same without an output.
    pub(crate) fn went_well_without_output(&self) -> bool {
        self.went_well() && self.record.as_ref().is_none_or(|record| record.output.is_none())
    }

    /// Whether the job waits for its time, and that comes within `span`.
    pub(crate) fn is_due_within(&self, span: Duration) -> bool {
        matches!(
            &self.next,
            Next::Again(Again { state: JobState::Retrying | JobState::Scheduled, delay, .. }) if *delay < span
        )
    }

    /// Where the job stands after it.
    pub(crate) fn state(&self) -> JobState {
        match &self.next {
            Next::End(state) => *state,
            Next::Again(again) => again.state,
        }
    }
}

/// A unique key, which belongs to the jobs of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldKey {
    pub job: String,
    pub key: String,
}

/// What the history says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub status: AttemptStatus,
    pub kind: Option<ErrorKind>,
    pub error: Option<String>,
    /// JSON text.
    pub output: Option<String>,
}

/// What becomes of the job after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It has ended for good, in this final state.
    End(JobState),
    /// It waits again.
    Again(Again),
}

/// A job that waits again after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// `Ready`, `Scheduled`, `Retrying` or `Parked`.
    pub state: JobState,
    pub delay: Duration,
    /// The number of the latest attempt that counts.
    pub attempt: i32,
    /// Why, for people (a parked job's reason, a retried job's last error).
    pub note: Option<String>,
}

/// What a worker says of itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkerRow {
    pub id: WorkerId,
    pub host: String,
    pub pid: u32,
    pub version: String,
    pub build: String,
    /// `None` serves all queues.
    pub queues: Option<Vec<String>>,
    /// Job names (aliases too), each with the shape it was built with.
    pub knows: BTreeMap<String, String>,
    /// Names of the schedules in its code, each with the fingerprint of its definition.
    pub schedules: BTreeMap<String, String>,
    pub concurrency: u32,
    /// How long after its last heartbeat the worker is taken for dead.
    pub lease: Duration,
}

/// How a worker shows that it lives, as it knows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// By the lock of a session, which is open as far as is known.
    Session,
    /// By the lock of a session, which is lost.
    SessionLost,
    /// By the lock of a file, which only the end of the process takes away.
    File,
    /// By heartbeats alone.
    Beats,
}

/// What a look at another worker's hold shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It holds on.
    Held,
    /// It has let go.
    Free,
    /// It has nothing to hold on to: its heartbeats alone tell.
    None,
}

/// What can be seen of another worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    pub worker: WorkerId,
    /// What changes with each heartbeat; `None`: it has no row.
    pub beat: Option<i64>,
    /// How old its last heartbeat is; `None`: it has no row.
    pub silent: Option<Duration>,
    pub lease: Duration,
    pub hold: Hold,
    /// Whether it holds runs.
    pub busy: bool,
}

/// What a heartbeat brings back.
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    /// Whether the worker's own row was gone: others took it for dead.
    pub forgotten: bool,
    /// Whether its own hold had been lost and was made anew.
    pub renewed: bool,
    /// For how long the database has been up, where it tells.
    pub database_up: Option<Duration>,
    pub others: Vec<Sign>,
}

/// What the store knows about a worker that lives.
#[derive(Clone, Debug)]
pub(crate) struct LiveWorker {
    pub id: WorkerId,
    pub queues: Option<Vec<String>>,
    pub knows: BTreeMap<String, String>,
    pub schedules: BTreeMap<String, String>,
    pub started_at: DateTime<Utc>,
}

/// What a worker must be told about one of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub token: RunToken,
    /// [`CancelReason::Cancelled`] or [`CancelReason::TakenOver`].
    pub reason: CancelReason,
}

/// How many requests became ready, and when the next one will.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Promoted {
    pub count: u64,
    /// Until the next scheduled request is due; `None` when there is none.
    pub next_in: Option<Duration>,
    /// Whether a waiting request is worth nothing any more.
    pub expired: bool,
    /// Whether something is ready, if that was asked.
    pub ready: bool,
}

/// A stored request, as a check looks at it to see whether this program could run it.
#[derive(Clone, Debug)]
pub(crate) struct StoredRow {
    pub seq: i64,
    pub id: JobId,
    pub job: String,
    pub arguments: String,
}

/// A parked request, as a worker looks at it to see whether it can run it.
#[derive(Clone, Debug)]
pub(crate) struct ParkedRow {
    pub seq: i64,
    pub job: String,
    pub shape: String,
    pub arguments: String,
}

/// What became of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum CancelAnswer {
    /// It was waiting, and is cancelled.
    Cancelled,
    /// It runs, and its worker is told to stop it.
    Asked,
    /// It had ended already, in this state.
    Ended(JobState),
}

/// A part of a purge: what was taken away, and the row of the audit that counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purged {
    pub count: u64,
    pub noted: Option<i64>,
}

/// What became of a wish to run a job again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum RetryAnswer {
    /// It is ready (again), with all its retries.
    Ready,
    /// It runs at this moment.
    Running,
    /// Its unique key is held by another job, so it stays as it is.
    KeyHeld(JobId),
}

/// How a job ended for good: what `wait` waits for.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub state: JobState,
    pub error: Option<String>,
    pub output: Option<String>,
}

/// One job with its state, whichever table it is in.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobRow {
    /// The job's id.
    pub id: JobId,
    /// The job's name.
    pub job: String,
    /// The queue it is in.
    pub queue: String,
    /// Where it stands.
    pub state: JobState,
    /// Higher runs first.
    pub priority: i16,
    /// The arguments as JSON text, exactly as enqueued.
    pub arguments: String,
    /// The number of its latest attempt; 0 when none was started.
    pub attempt: i32,
    /// Attempts that failed.
    pub failures: i32,
    /// Attempts that were lost with their worker.
    pub losses: i32,
    /// Attempts that were handed back at the stop of a worker, which cost it nothing.
    pub hand_backs: i32,
    /// How often it may run again after failing.
    pub retries: i32,
    /// Its unique key.
    pub unique_key: Option<String>,
    /// Its metadata as JSON text.
    pub metadata: Option<String>,
    /// The file and line that enqueued it.
    pub source: Option<String>,
    /// The slot of the schedule that enqueued it.
    pub slot: Option<DateTime<Utc>>,
    /// When it was enqueued.
    pub enqueued_at: DateTime<Utc>,
    /// When it is, or was, due.
    pub due_at: DateTime<Utc>,
    /// When its latest attempt started, if it runs or has ended.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub ended_at: Option<DateTime<Utc>>,
    /// The worker that runs it or ran it last.
    pub worker_id: Option<Uuid>,
    /// The error that ended it, or why it waits.
    pub error: Option<String>,
    /// What it returned, as JSON text.
    pub output: Option<String>,
    /// How far it is, if it runs and has said so.
    pub progress: Option<Progress>,
}

/// One ended attempt of a job.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AttemptRow {
    /// The number of the attempt: 1, 2, …
    pub attempt: i32,
    /// How it ended.
    pub status: AttemptStatus,
    /// In which way it failed.
    pub error_kind: Option<ErrorKind>,
    /// Its error with the whole source chain.
    pub error: Option<String>,
    /// What it returned, as JSON text.
    pub output: Option<String>,
    /// The worker that ran it; none when it ended without running.
    pub worker_id: Option<Uuid>,
    /// The build of that worker.
    pub build: Option<String>,
    /// When it was claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When its end was recorded.
    pub ended_at: DateTime<Utc>,
}

/// Which jobs a list, a count or a purge is about; an empty filter is about all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobFilter {
    /// In one of these states.
    pub states: Vec<JobState>,
    /// With one of these names.
    pub jobs: Vec<String>,
    /// In one of these queues.
    pub queues: Vec<String>,
    /// With this unique key.
    pub unique_key: Option<String>,
    /// Enqueued then or later.
    pub enqueued_since: Option<DateTime<Utc>>,
    /// Enqueued before.
    pub enqueued_before: Option<DateTime<Utc>>,
    /// Ended for good then or later.
    pub ended_since: Option<DateTime<Utc>>,
    /// Ended for good before.
    pub ended_before: Option<DateTime<Utc>>,
    /// Let through by this filter as well.
    pub matching: Option<Filter>,
    /// How long a list or a count may look; see [`within`](Self::within).
    #[serde(skip)]
    pub limit: Option<Duration>,
    /// Whether a list begins with the oldest; see [`oldest_first`](Self::oldest_first).
    #[serde(skip)]
    pub oldest_first: bool,
}

impl JobFilter {
    /// A filter that lets everything through.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also jobs in this state.
    #[must_use]
    pub fn state(mut self, state: JobState) -> Self {
        self.states.push(state);
        self
    }

    /// Also jobs of this name.
    #[must_use]
    pub fn job(mut self, name: impl Into<String>) -> Self {
        self.jobs.push(name.into());
        self
    }

    /// Also jobs in this queue.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queues.push(name.into());
        self
    }

    /// Only jobs with this unique key.
    #[must_use]
    pub fn unique_key(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// Only jobs that this text chooses, as in the search box and in `--where`; see [`Filter`].
    ///
    /// # Errors
    /// [`FilterError`] shows the place of a mistake.
    ///
    /// ```
    /// use plain_worker::JobFilter;
    /// let filter = JobFilter::new().matching("job:welcome_user error:\"timed out\" age:>2h")?;
    /// # Ok::<(), plain_worker::FilterError>(())
    /// ```
    pub fn matching(mut self, text: &str) -> Result<Self, FilterError> {
        self.matching = Some(Filter::parse(text)?);
        Ok(self)
    }

    /// How long a list or a count may look for what the filter lets through: 20 s by default.
    ///
    /// A text that must be searched for in every row can take longer than anybody waits on a large table; the
    /// answer is [`Error::TooLong`](crate::Error::TooLong) then.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Has a list begin with the job that was enqueued first, and not with the newest.
    #[must_use]
    pub fn oldest_first(mut self) -> Self {
        self.oldest_first = true;
        self
    }

    /// All that this asks for, as one expression.
    pub(crate) fn expression(&self) -> Expression {
        let names = |column, names: &[String]| {
            let term = Term::Column(column, Matching::OneOf(names.to_vec()));
            (!names.is_empty()).then_some(Expression::Term(term))
        };
        let states = (!self.states.is_empty()).then(|| Expression::Term(Term::State(self.states.clone())));
        let key = self.unique_key.clone().into_iter().collect::<Vec<_>>();
        let matching = self.matching.as_ref().map(|filter| filter.expression().clone());
        let at = |moment, comparison, time: Option<DateTime<Utc>>| {
            time.map(|time| Expression::Term(Term::Moment(moment, comparison, When::At(time))))
        };
        let times = [
            at(Moment::Enqueued, Comparison::AtLeast, self.enqueued_since),
            at(Moment::Enqueued, Comparison::Less, self.enqueued_before),
            at(Moment::Ended, Comparison::AtLeast, self.ended_since),
            at(Moment::Ended, Comparison::Less, self.ended_before),
        ];
        let parts = [states, names(Column::Job, &self.jobs), names(Column::Queue, &self.queues)];
        let parts = parts.into_iter().chain(times).chain([names(Column::Key, &key), matching]);
        Expression::All(parts.flatten().collect())
    }

    /// The filter for people, as the audit keeps it; `*` is all that waits.
    pub(crate) fn in_words(&self) -> String {
        let states: Vec<&str> = self.states.iter().map(|state| state.as_str()).collect();
        let part = |name: &str, values: String| (!values.is_empty()).then(|| format!("{name}={values}"));
        let parts = [
            part("state", states.join(",")),
            part("job", self.jobs.join(",")),
            part("queue", self.queues.join(",")),
            part("key", self.unique_key.clone().unwrap_or_default()),
            self.matching.as_ref().map(|filter| format!("where {filter}")),
        ];
        let words: Vec<String> = parts.into_iter().flatten().collect();
        if words.is_empty() { "*".to_owned() } else { words.join(" ") }
    }

    /// How long a list or a count may look.
    pub(crate) fn patience(&self) -> Duration {
        self.limit.unwrap_or(Duration::from_secs(20)).clamp(Duration::from_millis(10), Duration::from_secs(25))
    }
}

/// How many jobs stand where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatLine {
    /// The state that is counted.
    pub state: JobState,
    /// The queue that is counted.
    pub queue: String,
    /// The job that is counted.
    pub job: String,
    /// How many.
    pub count: u64,
    /// When the oldest of them was due, for those that wait.
    pub oldest_due: Option<DateTime<Utc>>,
}
