//! What can go wrong between a program and its queue.

use std::time::Duration;

use crate::job::BoxError;
use crate::record::JobId;

/// The result of everything that talks to a queue.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong between a program and its queue; each text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No queue was opened, and no environment variable names a database.
    #[error(
        "no queue is open: set PLAIN_WORKER_DATABASE_URL or DATABASE_URL (for example `sqlite:jobs.db` or \
         `postgres://localhost/app`), or call `Queue::connect(..).await?.make_process_wide()` once at start{}",
        if cfg!(debug_assertions) { "" } else {
            "; a release build takes no file by itself, so that a forgotten variable never writes jobs to a disk that goes away"
        }
    )]
    NoQueue,

    /// The process-wide queue was set a second time.
    #[error("the process-wide queue is already set: set it once, at start, before anything is enqueued")]
    QueueAlreadySet,

    /// A database URL that names nothing we can open.
    #[error("the database URL `{url}` cannot be used: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },

    /// A schema or prefix that is not a plain identifier.
    #[error(
        "`{name}` cannot be a schema or prefix: use 1 to 40 lower-case letters, digits and underscores, beginning with a letter"
    )]
    Namespace {
        /// The name as given.
        name: String,
    },

    /// The tables are missing.
    #[error("the tables of plain-worker are missing in {database}: create them with `{command}`")]
    NotMigrated {
        /// Which database.
        database: String,
        /// What creates them.
        command: String,
    },

    /// The tables are of an older version than this program needs.
    #[error(
        "the tables of plain-worker in {database} are of version {found}, this program needs {needed}: upgrade them with `{command}`"
    )]
    SchemaOlder {
        /// Which database.
        database: String,
        /// The version that is there.
        found: i64,
        /// The version that is needed.
        needed: i64,
        /// What upgrades them.
        command: String,
    },

    /// An enqueue that is refused; nothing was stored.
    #[error(transparent)]
    Refused(#[from] Refused),

    /// The database could not be reached, or the connection to it was lost.
    #[error("the database could not be reached while trying to {doing}: {source}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// The client's own error.
        source: BoxError,
    },

    /// Two transactions stood in each other's way; running the transaction again is right.
    #[error("another transaction stood in the way while trying to {doing} ({source}): run the transaction again{hint}")]
    Conflict {
        /// What was being done.
        doing: &'static str,
        /// What avoids it, where there is such a thing.
        hint: &'static str,
        /// The database's own error.
        source: BoxError,
    },

    /// The database refused a statement.
    #[error("the database refused to {doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The database's own error.
        source: BoxError,
    },

    /// A search that took longer than it may; nothing was found out.
    #[error(
        "stopped after {limit:?} while trying to {doing}: narrow the filter, for example by state:, job:, queue: or age:"
    )]
    TooLong {
        /// What was being done.
        doing: &'static str,
        /// How long it may take.
        limit: Duration,
    },

    /// The connection was lost in mid-commit: whether the jobs were stored is unknown.
    ///
    /// Enqueueing the same ids again is safe; [`Queue::job`](crate::Queue::job) tells whether they are there.
    #[error("the connection was lost in mid-commit: whether the {count} job(s) were stored is unknown ({source})")]
    Unknown {
        /// How many jobs.
        count: usize,
        /// The client's own error.
        source: BoxError,
    },

    /// A row that does not hold what it must.
    #[error("a row in {table} cannot be read: {reason}")]
    Row {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    /// A run was taken over by another worker: what it did is not recorded.
    #[error("this run of job {id} was taken over by another worker: roll the transaction back")]
    TakenOver {
        /// The job.
        id: JobId,
    },

    /// No job of that name is registered in this program.
    #[error("no job named `{name}` is registered{}", hint(nearest.as_ref()))]
    UnknownJob {
        /// The name as given.
        name: String,
        /// The nearest registered name.
        nearest: Option<String>,
    },

    /// A worker that could not start; the text says why.
    #[error("the worker cannot start: {0}")]
    Worker(String),

    /// A job that cannot be found.
    #[error("there is no job {id} in {database}")]
    NoSuchJob {
        /// The id as given.
        id: JobId,
        /// Which database.
        database: String,
    },

    /// A schedule that cannot be found.
    #[error("there is no schedule `{name}` in {database}{}", hint(nearest.as_ref()))]
    NoSuchSchedule {
        /// The name as given.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
        /// Which database.
        database: String,
    },

    /// Something that cannot be done with a schedule; the text says why.
    #[error("schedule `{name}` {reason}")]
    Schedule {
        /// The schedule.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A setting that has no meaning; the text says which.
    #[error("{0}")]
    Setting(String),
}

fn hint(nearest: Option<&String>) -> String {
    nearest.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
}

impl Error {
    /// Whether trying the same again, a little later, may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Conflict { .. })
    }
}

/// Why an enqueue was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The arguments could not be written as JSON, or hold a number that JSON cannot hold.
    #[error("job `{job}` was not enqueued: {reason}")]
    Arguments {
        /// The job.
        job: String,
        /// What is wrong, with the path of the field.
        reason: String,
    },
    /// The arguments are larger than the queue allows.
    #[error(
        "job `{job}` was not enqueued: its arguments take {size} bytes, the limit is {limit}: \
         store large data elsewhere and pass its key, or raise the limit (`Queue::payload_limit`)"
    )]
    TooLarge {
        /// The job.
        job: String,
        /// The size of the arguments in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A name or key that is empty, too long or holds a NUL.
    #[error("job `{job}` was not enqueued: the {what} {reason}")]
    Name {
        /// The job.
        job: String,
        /// Which name.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A time that no calendar holds.
    #[error("job `{job}` was not enqueued: a delay of {delay:?} is past the end of the calendar")]
    Delay {
        /// The job.
        job: String,
        /// The delay as given.
        delay: Duration,
    },
    /// An option out of its range.
    #[error("job `{job}` was not enqueued: {reason}")]
    Option {
        /// The job.
        job: String,
        /// What is wrong.
        reason: String,
    },
}
