//! Durable background jobs.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(
        dead_code,
        unused_variables,
        unused_imports,
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
mod job;
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
pub use job::{BoxError, Inject, Job, JobDef, MissingState, Scope, States, Steer, cancel, discard, snooze};
#[doc = include_str!("docs/job.md")]
pub use plain_worker_macros::job;
#[doc = include_str!("docs/scheduled.md")]
pub use plain_worker_macros::scheduled;
pub use queue::{
    BulkEnqueue, Completion, DatabasePool, Destination, Durability, Enqueue, Handle, Prepared, Queue, QueueOptions,
    WaitError, Within,
};
pub use record::{AttemptRow, CancelAnswer, Inserted, JobFilter, JobId, JobRow, Retention, RetryAnswer, StatLine};
pub use registry::Registry;
pub use retry::Backoff;
pub use status::{AttemptStatus, CancelReason, ErrorKind, JobState, OnLost, UniqueUntil, UnknownWord};
pub use store::Clock;
pub use worker::{Context, Worker, WorkerBuilder, WorkerReport};
#[doc(no_inline)]
pub use {serde, serde_json};
