//! Durable background jobs: write [`#[job]`](macro@job) above a function, and its calls can be stored in SQLite or
//! Postgres and run by a worker, now or later, once or until they succeed.
//!
//! ```no_run
//! use plain_worker::{Queue, Worker, job, scheduled};
//!
//! /// Runs again, up to three times, when it fails.
//! #[job(retries = 3)]
//! async fn welcome_user(user_id: i64) -> Result<String, std::io::Error> {
//!     Ok(format!("welcome, user {user_id}"))
//! }
//!
//! #[scheduled("0 9 * * MON-FRI")]
//! #[job]
//! async fn morning_report() {}
//!
//! #[tokio::main]
//! async fn main() -> Result<(), plain_worker::BoxError> {
//!     let queue = Queue::connect("sqlite:jobs.db").await?; // or postgres://..
//!     queue.make_process_wide()?;
//!
//!     let handle = welcome_user::enqueue(7).await?; // the row is committed
//!     let worker = tokio::spawn(Worker::builder(queue).run_until(async {
//!         tokio::signal::ctrl_c().await.unwrap_or_default();
//!     }));
//!     println!("{}", handle.wait().await?);
//!     # worker.abort();
//!     Ok(())
//! }
//! ```
//!
//! # Where to start
//!
//! - [`#[job]`](macro@job) and [`#[scheduled]`](macro@scheduled): arguments, outputs, options.
//! - [`Enqueue`]: what `welcome_user::enqueue(7)` gives, with delay, priority, unique key, and the caller's own
//!   transaction; [`Handle`] follows a job to its output.
//! - [`Queue`]: the door to one database: look up, cancel, retry, purge.
//! - [`Worker`]: runs jobs in any tokio program; [`Context`] is what a running job knows and can do.
//!
//! # What can be relied on
//!
//! When an enqueue returns `Ok`, the job is durable. It runs at least once: until an attempt ends and that end is
//! recorded, whatever process is killed at whatever moment. Each run has one recorded result; a worker that was taken
//! for dead cannot write over its rescuer. A job that must have its effect exactly once ends itself inside its own
//! transaction, by [`Context::complete_in`]. A unique key means one job, however many enqueue it at once. A stop of a
//! worker hands back what does not end in time, and marks nothing failed.
//!
//! # Features
//!
//! `sqlite`, `postgres` and `cli` are on by default, and each can be left out; `logs`, which keeps events of `tracing`
//! with their job, comes with `cli`.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(feature = "sqlite", feature = "postgres")),
    allow(dead_code, reason = "some of what the stores share is used by one of them only")
)]
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(
        unused_variables,
        unused_imports,
        unused_macros,
        unreachable_code,
        reason = "without a database only the words and the macro are of use"
    )
)]

extern crate self as plain_worker;

#[doc(hidden)]
pub mod __private;
mod arguments;
mod change;
mod check;
#[cfg(feature = "cli")]
pub mod cli;
mod command;
#[cfg(all(feature = "dashboard", any(feature = "sqlite", feature = "postgres")))]
pub mod dashboard;
mod doctor;
mod error;
mod fallible;
mod filter;
mod job;
mod ledger;
mod monitor;
mod pause;
mod payload;
mod probe;
mod queue;
mod record;
mod registry;
mod retention;
mod retry;
pub mod schedule;
mod status;
mod store;
mod telling;
pub mod testing;
mod worker;

pub use change::{Change, Changed, Pace, Requeue};
pub use check::{CheckProblem, CheckReport, check, check_with};
#[cfg(feature = "cli")]
pub use cli::main;
pub use command::{Command, CommandOutput};
pub use doctor::Finding;
pub use error::{Error, Refused, Result};
pub use filter::{Filter, FilterError, suggest};
pub use job::{
    BoxError, Inject, Job, JobDef, MissingState, PayloadError, Scope, States, Steer, cancel, discard, snooze,
};
pub use ledger::{ScheduleRow, ScheduleRun};
pub use monitor::{
    AuditRow, Depth, Facts, FailureGroup, RATE_BOUNDS, Rate, RateKind, RateQuery, RunPoint, WorkerView, explain,
    percentile,
};
pub use pause::{Pause, PauseTarget};
#[doc = include_str!("docs/job.md")]
pub use plain_worker_macros::job;
#[doc = include_str!("docs/scheduled.md")]
pub use plain_worker_macros::scheduled;
#[doc = include_str!("docs/scheduled_command.md")]
pub use plain_worker_macros::scheduled_command;
pub use queue::{
    BulkChange, BulkEnqueue, BulkProgress, Completion, Destination, Enqueue, Found, Handle, Lookup, NewSchedule,
    Prepared, Queue, ScheduleChange, Schedules, WaitError, Within,
};
pub use record::{AttemptRow, CancelAnswer, Inserted, JobFilter, JobId, JobRow, RetryAnswer, StatLine};
pub use registry::Registry;
pub use retention::Retention;
pub use retry::Backoff;
pub use status::{
    AttemptStatus, CancelReason, CatchUp, ErrorKind, JobState, OnLost, Overlap, ScheduleState, UniqueUntil, UnknownWord,
};
pub use store::{Clock, DatabasePool, Durability, QueueOptions};
pub use telling::{AttemptLog, JobLogs, LogLine, Progress};
pub use worker::{Context, EndedJob, Worker, WorkerBuilder, WorkerReport, guard_commands, logs, middleware};
#[doc(no_inline)]
pub use {serde, serde_json};
