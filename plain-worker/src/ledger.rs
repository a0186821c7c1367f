//! The ledger of the schedules: what a row holds, and the rules by which slots become requests.
//!
//! A worker decides from a row that it has read what it wants (a [`Step`]);
//! the store locks the row and asks [`settle`] whether that still holds. So the
//! rules stand here once, and the stores only read and write.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::record::{Inserted, JobId, NewRequest};
use crate::schedule::{Schedule, ScheduleError};
use crate::status::{CatchUp, JobState, Overlap, ScheduleState};

/// How many slots of one schedule wait for the run before them, at most.
pub(crate) const MOST_WAITING: usize = 1_000;

/// What a schedule is: the part of its row that code or people write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Its identity.
    pub name: String,
    pub job: String,
    /// The queue of its runs, as far as the writer knows it.
    pub queue: Option<String>,
    /// In its normal form.
    pub expression: String,
    pub timezone: String,
    /// JSON text; where code makes them for each slot, those of the moment.
    pub arguments: String,
    pub catch_up: CatchUp,
    pub overlap: Overlap,
    pub window: Option<Duration>,
    /// Added at run time, and not by code.
    pub dynamic: bool,
}

impl Definition {
    /// What is the same for equal definitions only.
    ///
    /// Of the arguments it holds `given`, since those that are made anew for each slot differ each time.
    pub fn fingerprint(&self, given: &str) -> String {
        let window = self.window.map(|window| window.as_millis());
        let parts = (&self.job, &self.expression, &self.timezone, given, self.catch_up, self.overlap, window);
        // Strings, words and a number: there is nothing in them that JSON cannot hold.
        let text = serde_json::to_string(&parts).unwrap_or_default();
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string()
    }
}

/// One schedule as the database has it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ScheduleRow {
    /// What it is known by.
    pub name: String,
    /// The job that it runs.
    pub job: String,
    /// The queue of its runs; none while no worker has told.
    pub queue: Option<String>,
    /// The cron expression in its normal form.
    pub expression: String,
    /// The IANA zone in which the expression is read.
    pub timezone: String,
    /// The arguments as JSON text; where code makes them for each slot, those at the worker's start.
    pub arguments: String,
    /// Which slots missed in a downtime are run.
    pub catch_up: CatchUp,
    /// What becomes of a slot while the run before it goes on.
    pub overlap: Overlap,
    /// How old a missed slot may be to be run under `latest`; the worker's setting when none.
    pub window: Option<Duration>,
    /// Whether it was added at run time, and not by code.
    pub dynamic: bool,
    /// Whether its slots become runs, and if not, why.
    pub state: ScheduleState,
    /// What is wrong with it, in words.
    pub problem: Option<String>,
    /// When it was first seen or added.
    pub created_at: DateTime<Utc>,
    /// When its definition, or whether it is paused, changed last.
    pub changed_at: DateTime<Utc>,
    /// Up to this instant its slots are settled: run or passed over.
    pub settled_at: DateTime<Utc>,
    /// The latest slot that became a run.
    pub last_slot: Option<DateTime<Utc>>,
    /// The job that its latest run is.
    pub last_job: Option<JobId>,
    /// Where that job stands; none when it is pruned.
    pub last_state: Option<JobState>,
    /// The error of that job.
    pub last_error: Option<String>,
    /// Slots that wait for the end of the run before them.
    pub waiting: Vec<DateTime<Utc>>,
    /// How many slots were passed over.
    pub skipped: u64,
    /// The latest of them.
    pub last_skip: Option<DateTime<Utc>>,
    /// Why that one was.
    pub skip_reason: Option<String>,
    /// The job that will be the run that somebody asked for.
    pub run_now: Option<JobId>,
    /// Since when it is paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Grows with each change of the definition.
    #[serde(skip)]
    pub(crate) generation: i64,
    #[serde(skip)]
    pub(crate) fingerprint: String,
    /// Whether its latest run waits or runs.
    #[serde(skip)]
    pub(crate) busy: bool,
    /// The database's clock when the row was read.
    pub now: DateTime<Utc>,
}

impl ScheduleRow {
    /// When it runs.
    ///
    /// # Errors
    /// What is wrong with an expression or a zone that was written into the row by hand.
    ///
    /// ```no_run
    /// # async fn example(queue: plain_worker::Queue) -> Result<(), Box<dyn std::error::Error>> {
    /// for row in queue.schedules().list().await? {
    ///     let next: Vec<_> = row.schedule()?.upcoming(chrono::Utc::now()).take(5).collect();
    ///     println!("{}: {next:?}", row.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn schedule(&self) -> Result<Schedule, ScheduleError> {
        Schedule::parse_in(&self.expression, &self.timezone)
    }

    /// What it says, ready to be changed.
    pub(crate) fn definition(&self) -> Definition {
        Definition {
            name: self.name.clone(),
            job: self.job.clone(),
            queue: self.queue.clone(),
            expression: self.expression.clone(),
            timezone: self.timezone.clone(),
            arguments: self.arguments.clone(),
            catch_up: self.catch_up,
            overlap: self.overlap,
            window: self.window,
            dynamic: self.dynamic,
        }
    }
}

/// What a worker wants of the ledger, decided from a row that it has read.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub name: String,
    /// The definition that the worker has read; another one makes the step void.
    pub generation: i64,
    /// What the worker has read; a slot that somebody else settled makes the step void.
    pub settled_at: DateTime<Utc>,
    pub overlap: Overlap,
    pub queue: String,
    pub wish: Wish,
}

#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// Settles the slots up to that one: these become runs, oldest first, and those are passed over.
    Slots { until: DateTime<Utc>, runs: Vec<NewRequest>, passed: Option<Passed> },
    /// Runs the oldest of the slots that wait.
    Waiting(NewRequest),
    /// Passes the oldest of the slots that wait over.
    NotWaiting(Passed),
    /// The run that somebody asked for, under the id that was promised.
    ByHand(NewRequest),
}

/// Slots that do not become runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub count: u64,
    pub latest: DateTime<Utc>,
    pub reason: String,
}

/// The row of a schedule while the store holds its lock.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    pub now: DateTime<Utc>,
    pub generation: i64,
    pub settled_at: DateTime<Utc>,
    pub paused: bool,
    pub waiting: Vec<DateTime<Utc>>,
    pub run_now: Option<JobId>,
    pub last_job: Option<JobId>,
    /// Whether the last job waits or runs.
    pub busy: bool,
}

/// What the store writes, together or not at all.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub requests: Vec<NewRequest>,
    pub settled_at: DateTime<Utc>,
    pub waiting: Vec<DateTime<Utc>>,
    pub passed: Option<Passed>,
    /// Whether the wish for a run by hand is met.
    pub by_hand: bool,
}

/// What becomes of a step, now that the row is locked; `None`: it is void.
pub(crate) fn settle(row: &Locked, step: &Step) -> Option<Settled> {
    if row.generation != step.generation {
        return None;
    }
    let unchanged = Settled {
        requests: Vec::new(),
        settled_at: row.settled_at,
        waiting: row.waiting.clone(),
        passed: None,
        by_hand: false,
    };
    let free = !row.busy || step.overlap == Overlap::Allow;
    match &step.wish {
        Wish::Slots { until, runs, passed } => {
            if row.paused || row.settled_at != step.settled_at || *until <= row.settled_at || *until > row.now {
                return None;
            }
            let settled = Settled { settled_at: *until, passed: passed.clone(), ..unchanged };
            Some(place(row, step.overlap, runs, settled))
        }
        Wish::Waiting(request) => {
            let (first, rest) = row.waiting.split_first()?;
            let due = !row.paused && free && request.slot == Some(*first);
            due.then(|| Settled { requests: vec![request.clone()], waiting: rest.to_vec(), ..unchanged })
        }
        Wish::NotWaiting(passed) => {
            let (first, rest) = row.waiting.split_first()?;
            (passed.latest == *first).then(|| Settled {
                waiting: rest.to_vec(),
                passed: Some(passed.clone()),
                ..unchanged
            })
        }
        Wish::ByHand(request) => (free && row.run_now == Some(request.id)).then(|| Settled {
            requests: vec![request.clone()],
            by_hand: true,
            ..unchanged
        }),
    }
}

/// Distributes slots that are due, oldest first: into the queue, into the line, or to those passed over.
fn place(row: &Locked, overlap: Overlap, runs: &[NewRequest], mut settled: Settled) -> Settled {
    let in_line = runs.len() > 1 || !row.waiting.is_empty();
    match overlap {
        Overlap::Allow => settled.requests = runs.to_vec(),
        Overlap::Skip if !in_line && row.busy => {
            if let Some(slot) = runs.first().and_then(|run| run.slot) {
                let before = row.last_job.map_or_else(String::new, |id| format!(" (job {id})"));
                pass(&mut settled, slot, format!("the run before it{before} had not ended"));
            }
        }
        // Several at once are slots that were missed: they were asked for, so none of them makes another one skip.
        Overlap::Skip | Overlap::Queue => {
            let mut runs = runs.iter();
            if !row.busy && row.waiting.is_empty() {
                settled.requests.extend(runs.next().cloned());
            }
            for slot in runs.filter_map(|run| run.slot) {
                if settled.waiting.len() < MOST_WAITING {
                    settled.waiting.push(slot);
                } else {
                    pass(&mut settled, slot, format!("{MOST_WAITING} slots waited already"));
                }
            }
        }
    }
    settled
}

/// Counts one more slot that is passed over.
fn pass(settled: &mut Settled, slot: DateTime<Utc>, reason: String) {
    let count = settled.passed.take().map_or(0, |passed| passed.count) + 1;
    settled.passed = Some(Passed { count, latest: slot, reason });
}

/// What became of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fired {
    /// The jobs that were enqueued, each with its slot.
    pub jobs: Vec<(JobId, Option<DateTime<Utc>>)>,
    pub passed: Option<Passed>,
}

impl Settled {
    /// What came of it, once its requests are in; one whose unique key was held did not become a run.
    pub fn fired(&mut self, inserted: &[Inserted]) -> Fired {
        let mut jobs = Vec::new();
        for (request, answer) in std::mem::take(&mut self.requests).into_iter().zip(inserted) {
            match (answer, request.slot) {
                (Inserted::New(id), slot) => jobs.push((*id, slot)),
                (Inserted::Existing(id, state), slot) => {
                    let slot = slot.unwrap_or(self.settled_at);
                    pass(self, slot, format!("its unique key was held by job {id}, which was {state}"));
                }
            }
        }
        Fired { jobs, passed: self.passed.clone() }
    }
}

impl Fired {
    /// The latest slot that became a run.
    pub fn last_slot(&self) -> Option<DateTime<Utc>> {
        self.jobs.iter().rev().find_map(|(_, slot)| *slot)
    }

    /// The latest run.
    pub fn last_job(&self) -> Option<JobId> {
        self.jobs.last().map(|(id, _)| *id)
    }
}

/// One run of a schedule that waits, runs or has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScheduleRun {
    /// The schedule.
    pub schedule: String,
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// The slot that it is the run of; none for one that somebody asked for.
    pub slot: Option<DateTime<Utc>>,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// When its last attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Where a job says that it comes from, when a schedule enqueued it.
pub(crate) fn source(schedule: &str) -> String {
    format!("schedule {schedule}")
}

/// The schedule that a job says that it comes from.
pub(crate) fn schedule_of(source: &str) -> Option<&str> {
    source.strip_prefix("schedule ")
}
