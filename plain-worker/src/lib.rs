//! Durable background jobs.
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
#[cfg(feature = "cli")]
pub mod cli;
mod error;
mod fallible;
mod filter;
mod job;
mod pause;
mod payload;
mod probe;
mod queue;
mod record;
mod registry;
mod retry;
pub mod schedule;
mod status;
mod store;
mod worker;

#[cfg(feature = "cli")]
pub use cli::main;
pub use error::{Error, Refused, Result};
pub use filter::{Filter, FilterError, suggest};
pub use job::{BoxError, Inject, Job, JobDef, MissingState, Scope, States, Steer, cancel, discard, snooze};
pub use pause::{Pause, PauseTarget};
#[doc = include_str!("docs/job.md")]
pub use plain_worker_macros::job;
#[doc = include_str!("docs/scheduled.md")]
pub use plain_worker_macros::scheduled;
pub use queue::{BulkEnqueue, Completion, Destination, Enqueue, Handle, Prepared, Queue, WaitError, Within};
pub use record::{AttemptRow, CancelAnswer, Inserted, JobFilter, JobId, JobRow, Retention, RetryAnswer, StatLine};
pub use registry::Registry;
pub use retry::Backoff;
pub use status::{AttemptStatus, CancelReason, ErrorKind, JobState, OnLost, UniqueUntil, UnknownWord};
pub use store::{Clock, DatabasePool, Durability, QueueOptions};
pub use worker::{Context, Worker, WorkerBuilder, WorkerReport};
#[doc(no_inline)]
pub use {serde, serde_json};
