//! Log lines kept with the job: what [`Context::log`](crate::Context::log) and the events of `tracing` say in a run.
//!
//! [`Context::log`](crate::Context::log) needs nothing else. For events of `tracing` (feature `logs`, which `cli`
//! brings along) the program's subscriber takes a layer; `plain_worker::main()` has it already:
//!
//! ```no_run
//! # #[cfg(feature = "logs")] {
//! use tracing_subscriber::prelude::*;
//!
//! tracing_subscriber::registry()
//!     .with(tracing_subscriber::filter::LevelFilter::INFO) // without a filter, all that any crate says is looked at
//!     .with(tracing_subscriber::fmt::layer())
//!     .with(plain_worker::logs::layer())
//!     .init();
//! # }
//! ```
//!
//! What belongs to a run: events in the job's function and in what it awaits; those of a task that it spawns, if that
//! task is in a span that was opened in the run (`tokio::spawn(work.in_current_span())`). What the last lines are and how
//! many are kept say [`JobLogs`](crate::JobLogs) and [`WorkerBuilder::job_logs`](crate::WorkerBuilder::job_logs).
//! `show ID --logs` and [`Queue::logs`](crate::Queue::logs) give them; they are pruned with their job.

mod buffer;
mod current;
#[cfg(feature = "logs")]
mod layer;

pub(super) use buffer::Buffer;
pub(super) use current::{within, within_sync};
#[cfg(feature = "logs")]
pub use layer::layer;
