//! The seam to the databases: one trait that names the verbs of a job's life.
//!
//! SQL lives in the folders below this one and nowhere else. Both stores have
//! the same files with the same names, so that they can be read side by side;
//! one conformance suite (`tests/tests/conformance`) runs over each of them. A
//! third store is one folder more here and one in `migrations`.

mod conditions;
#[macro_use]
mod destinations;
#[macro_use]
mod statements;
#[cfg(test)]
mod conformance;
mod fault;
mod migrations;
mod namespace;
mod options;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

#[cfg(feature = "cli")]
pub(crate) use fault::YOUR_PROGRAM;
pub(crate) use migrations::{Migration, SchemaState, script};
pub(crate) use namespace::Namespace;
pub use options::{DatabasePool, Durability, QueueOptions};
pub(crate) use options::{PAYLOAD_LIMIT, sealed, without_password};

use crate::change::Requeue;
use crate::doctor::Vitals;
use crate::error::{Refused, Result};
use crate::ledger::{Definition, Fired, ScheduleRow, ScheduleRun, Step};
use crate::monitor::{AuditRow, Depth, Failure, Rate, RateQuery, RunPoint, WorkerView};
use crate::pause::{Pause, PauseTarget};
use crate::record::{
    AttemptRow, CancelAnswer, Claim, Ended, Finish, Inserted, JobFilter, JobId, JobRow, LiveWorker, NewRequest, Notice,
    ParkedRow, Promoted, Pulse, Purged, RetryAnswer, Run, RunToken, Standing, StatLine, StoredRow, WorkerId, WorkerRow,
};
use crate::retention::Retention;
use crate::telling::{AttemptLog, Mark, NewLog};

/// Which clock the statements of a store read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The database's own.
    #[default]
    Database,
    /// The database's own plus what the row of the `clock` table says: for tests
    /// that move time over several processes.
    Movable,
}

/// Requests as they come out of an iterator, checked.
pub(crate) type Requests = Box<dyn Iterator<Item = Result<NewRequest, Refused>> + Send>;

/// Called when requests may have become ready or a control may have changed.
pub(crate) type OnWake = Arc<dyn Fn() + Send + Sync>;

/// The life of one worker: its row, its heartbeat and what it holds as long as it lives.
///
/// Used by one thread, on a runtime of that thread's own. A call that is
/// dropped half-way loses the connection, nothing else.
#[async_trait]
pub(crate) trait Life: Send {
    /// How it shows that it lives at this moment.
    fn standing(&self) -> Standing;
    /// Renews the heartbeat and the hold, where they are due, and looks at the other workers.
    async fn beat(&mut self) -> Result<Pulse>;
    /// Takes the worker's row away and lets go.
    async fn leave(&mut self) -> Result<()>;
}

/// The verbs of a job's life. Every write about a run is fenced by its token.
///
/// No method holds a connection or a transaction after it returns, and none
/// keeps state about jobs in memory: what it says is what the database said.
#[async_trait]
pub(crate) trait Store: Send + Sync + 'static {
    /// The database in words, without its password: `SQLite file jobs.db`.
    fn describe(&self) -> String;
    /// Its kind, as metrics and `--json` name it: `sqlite`, `postgres`.
    fn kind(&self) -> &'static str;
    /// The clock that its statements read.
    fn clock(&self) -> Clock;
    /// The schema or prefix of the tables.
    fn namespace(&self) -> &Namespace;

    /// This store, if it is the SQLite one: what a transaction of the caller's needs to know.
    #[cfg(feature = "sqlite")]
    fn as_sqlite(&self) -> Option<&sqlite::SqliteStore> {
        None
    }
    /// This store, if it is the Postgres one.
    #[cfg(feature = "postgres")]
    fn as_postgres(&self) -> Option<&postgres::PostgresStore> {
        None
    }

    /// Applies what is missing and names it; safe when many do it at once.
    async fn migrate(&self) -> Result<Vec<&'static str>>;
    /// What `migrate` would do now, as a script for the database's own shell; empty when there is nothing to do.
    async fn migration_script(&self) -> Result<String>;
    /// Creates missing tables; an older schema is upgraded (SQLite) or an error that names the command.
    async fn prepare(&self) -> Result<()>;
    /// As `prepare`, but missing tables too are an error where creating them is not ours to decide (Postgres).
    #[cfg(feature = "cli")]
    async fn require(&self) -> Result<()>;
    /// Moves the clock of a store with [`Clock::Movable`]; others refuse.
    async fn move_clock(&self, by: Duration) -> Result<()>;

    /// How many statements of one process are worth writing at the same time: while they are under way, what is to be
    /// written next comes together.
    fn writers(&self) -> usize;
    /// Puts requests in, all or none, and answers in their order. A repeat of
    /// a call whose answer was lost sets `again` and stores nothing twice.
    async fn insert(&self, batch: Arc<[NewRequest]>, again: bool) -> Result<Vec<Inserted>>;
    /// Puts in what the iterator gives, all or none, some thousands a statement.
    async fn insert_all(&self, requests: Requests) -> Result<Vec<Inserted>>;
    /// Tells sleeping workers, in this process and elsewhere, that there is work in `queues`.
    async fn announce(&self, queues: Vec<String>) -> Result<()>;
    /// Calls `on_wake` once when it listens and then at each announcement; returns when it lost its connection. `direct`
    /// is the address past a pooler, if there is one.
    async fn listen(&self, direct: Option<String>, on_wake: OnWake) -> Result<()>;

    /// Makes due requests ready, at most `limit` of them, and tells what else there is to do; whether something is ready
    /// only to who is `idle`.
    async fn promote(&self, limit: u32, idle: bool) -> Result<Promoted>;
    /// Ends waiting requests that are worth nothing any more, at most `limit` of them.
    async fn expire(&self, limit: u32) -> Result<u64>;
    /// Takes ready requests, in their order, each for one new run of the worker.
    async fn claim(&self, claim: Claim) -> Result<Vec<Run>>;
    /// Records ends; returns the tokens that were recorded. What is missing was taken over.
    async fn finish(&self, ends: Arc<[Finish]>) -> Result<Vec<RunToken>>;
    /// Notes how far runs are, as far as they are still held.
    async fn mark(&self, marks: Vec<Mark>) -> Result<()>;
    /// Writes the logs of runs; a later one of a run takes the place of an earlier one.
    async fn write_logs(&self, logs: Vec<NewLog>) -> Result<()>;
    /// What the worker must be told about these runs of its.
    async fn notices(&self, worker: WorkerId, running: Vec<RunToken>) -> Result<Vec<Notice>>;

    /// The life of a worker, on a connection of its own; `direct` is an address for that alone. Opens nothing yet.
    fn life(&self, worker: WorkerRow, direct: Option<&str>) -> Result<Box<dyn Life>>;
    /// The workers whose heartbeat is younger than their lease.
    async fn live_workers(&self) -> Result<Vec<LiveWorker>>;
    /// Runs that a worker holds, at most `limit` of them.
    async fn lost_runs(&self, worker: WorkerId, limit: u32) -> Result<Vec<Run>>;
    /// Takes away the rows of these workers, as far as they hold no run.
    async fn forget_workers(&self, workers: Vec<WorkerId>) -> Result<u64>;

    /// Parked requests with these names, in the order of their `seq`, after that one.
    async fn parked(&self, jobs: Vec<String>, after: i64, limit: u32) -> Result<Vec<ParkedRow>>;
    /// Makes these parked requests ready.
    async fn unpark(&self, seqs: Vec<i64>) -> Result<u64>;
    /// Requests of any state in the order of their `seq`, after that one.
    async fn requests(&self, after: i64, limit: u32) -> Result<Vec<StoredRow>>;

    /// The rows of all schedules, by name, with the latest run's standing left out.
    async fn schedules(&self) -> Result<Vec<ScheduleRow>>;
    /// Puts the row of a schedule in code in, or changes it; `fingerprint` tells whether there is a change. New or
    /// changed times begin at this moment, and nothing is run.
    async fn register_schedule(&self, definition: Definition, fingerprint: String) -> Result<()>;
    /// Does what each step wants, together with its inserts, unless it is void by now (`None`).
    async fn settle(&self, steps: Arc<[Step]>) -> Result<Vec<Option<Fired>>>;
    /// Puts a dynamic schedule in; `false`: one of that name is there.
    async fn add_schedule(&self, definition: Definition) -> Result<bool>;
    /// Changes a dynamic schedule whose definition is of that generation; `false`: it is not, or not there.
    async fn change_schedule(&self, definition: Definition, generation: i64) -> Result<bool>;
    /// Takes the row of a schedule away.
    async fn remove_schedule(&self, name: String) -> Result<bool>;
    /// The waiting jobs that came of it.
    async fn jobs_of_schedule(&self, name: String) -> Result<Vec<JobId>>;
    /// The latest ended runs of these schedules, newest first, at most so many of each.
    async fn runs_of_schedules(&self, names: Vec<String>, each: u32) -> Result<Vec<ScheduleRun>>;
    /// Stops the slots of a schedule; `false`: there is none of that name.
    async fn pause_schedule(&self, name: String, by: Option<String>) -> Result<bool>;
    /// Lets its slots run from this moment on; those in between are passed over.
    async fn resume_schedule(&self, name: String) -> Result<bool>;
    /// Asks for a run under that id; the answer is the id of the run that is asked for already, or this one.
    async fn run_schedule(&self, name: String, id: JobId) -> Result<Option<JobId>>;

    /// Cancels a job that waits, or asks for the end of its run. `None`: there is no such job.
    async fn cancel(&self, id: JobId, by: String, note: bool) -> Result<Option<CancelAnswer>>;
    /// Makes an ended, waiting or parked job ready, with all its retries, and with other arguments (and their shape)
    /// if there are some. `None`: there is no such job.
    async fn retry(&self, id: JobId, changed: Option<(String, Cow<'static, str>)>) -> Result<Option<RetryAnswer>>;
    /// Takes a job away with its history, unless it runs; `false`: it does. `None`: there is no such job.
    async fn delete(&self, id: JobId) -> Result<Option<bool>>;
    /// Moves a waiting job; `false`: it does not wait. `None`: there is no such job.
    async fn requeue(&self, id: JobId, to: Requeue) -> Result<Option<bool>>;
    /// Pauses something for claims, from the next one on; `false`: it is paused already.
    async fn pause(&self, target: PauseTarget, by: String) -> Result<bool>;
    /// Ends a pause, that of everything with those of single workers; `false`: nothing was paused.
    async fn resume(&self, target: PauseTarget, by: String) -> Result<bool>;
    /// All that is paused, the oldest first.
    async fn pauses(&self) -> Result<Vec<Pause>>;
    /// Takes away waiting requests that the filter lets through, and their keys; at most `limit`.
    ///
    /// One row of the audit counts all parts of a purge: `noted` is what the part before answered.
    async fn purge(&self, filter: JobFilter, by: String, noted: Option<i64>, limit: u32) -> Result<Purged>;
    /// Takes away results past their retention; at most `limit` rows, whole days apart.
    async fn prune(&self, retention: Retention, limit: u32) -> Result<u64>;
    /// Keeps the tables ready for what comes (partitions ahead).
    async fn maintain(&self) -> Result<()>;

    /// One job.
    async fn job(&self, id: JobId) -> Result<Option<JobRow>>;
    /// The ended attempts of a job, oldest first.
    async fn attempts(&self, id: JobId) -> Result<Vec<AttemptRow>>;
    /// The logs of a job's attempts, oldest first.
    async fn logs(&self, id: JobId) -> Result<Vec<AttemptLog>>;
    /// Which of the jobs exist, with the end of those that have ended for good.
    async fn outlook(&self, ids: Vec<JobId>) -> Result<Vec<(JobId, Option<Ended>)>>;
    /// Jobs that the filter lets through, newest first by their ids, older than `after`.
    async fn list(&self, filter: JobFilter, after: Option<JobId>, limit: u32) -> Result<Vec<JobRow>>;
    /// When the jobs that the filter lets through ran or will run, at most so many of them.
    async fn points(&self, filter: JobFilter, limit: u32) -> Result<Vec<RunPoint>>;
    /// Counts by state, queue and job of what the filter lets through.
    async fn stats(&self, filter: JobFilter) -> Result<Vec<StatLine>>;
    /// All workers that have a row.
    async fn workers(&self) -> Result<Vec<WorkerView>>;
    /// How many jobs wait and run in each queue, counted up to a bound.
    async fn depths(&self) -> Result<Vec<Depth>>;
    /// How many ready jobs of its queue come before this one, up to the same bound; `None`: it would take too long.
    async fn ahead(&self, id: JobId) -> Result<Option<u64>>;
    /// Sums of what ended.
    async fn rates(&self, query: RateQuery) -> Result<Vec<Rate>>;
    /// The newest failed attempts of a job within a week; `None`: it would take too long.
    async fn failures(&self, job: String, limit: u32) -> Result<Option<Vec<Failure>>>;
    /// Sums of all that has ever ended, by names.
    async fn totals(&self) -> Result<Vec<Rate>>;
    /// Makes the next sums from the results, each end once; `false`: there are none to make now.
    async fn roll_up(&self) -> Result<bool>;
    /// Makes hours of old minutes, and takes older sums away.
    async fn fold_rates(&self) -> Result<()>;
    /// Who changed what, newest first, before that `seq`.
    async fn audits(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>>;
    /// Notes a change that a person made; `noted` is what an earlier part of the same change answered.
    async fn note_change(
        &self,
        (actor, action): (String, String),
        target: String,
        count: u64,
        noted: Option<i64>,
    ) -> Result<Option<i64>>;
    /// What only the database knows of its health; transactions open for longer than `long` count as long.
    async fn vitals(&self, long: Duration) -> Result<Vitals>;
    /// What the clock of all statements says.
    async fn now(&self) -> Result<DateTime<Utc>>;
    /// Whether something keeps a drain of these queues from its end: requests that are due (of names that
    /// the worker knows, and not paused), or runs of this worker or of dead ones.
    async fn undrained(&self, worker: WorkerId, queues: Option<Vec<String>>, knows: Vec<String>) -> Result<bool>;

    /// Closes the connections that the store itself opened.
    async fn close(&self);
}
