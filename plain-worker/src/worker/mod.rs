//! The worker: claims jobs, runs them, records their ends, and looks after those of workers that died.

mod ahead;
mod backoff;
mod builder;
mod by_hand;
mod command;
mod company;
mod config;
mod context;
mod executor;
mod fetch;
mod finisher;
#[cfg(feature = "cli")]
mod here;
mod hooks;
mod lanes;
mod life;
mod log;
pub mod logs;
mod maintenance;
pub mod middleware;
mod outcome;
mod own_runtime;
mod panics;
mod parts;
mod pulse;
mod report;
mod rescue;
mod running;
mod scheduler;
mod telling;
mod verdict;

pub use builder::WorkerBuilder;
pub use command::guard_commands;
#[cfg(feature = "cli")]
pub(crate) use command::own_program;
pub use context::Context;
#[cfg(feature = "cli")]
pub(crate) use here::run_here;
pub use hooks::EndedJob;
pub(crate) use panics::caught;
pub use report::WorkerReport;

use crate::queue::Queue;

/// Runs the jobs of a queue; made by [`Worker::builder`].
///
/// Embeds in any tokio program: it installs no signal handler and is safe to
/// drop, which is like killing it: nothing is lost, other workers rescue what
/// it ran. It notes the place of a panic inside a job by a panic hook, and
/// leaves all other panics to the hook that was there.
///
/// ```no_run
/// # async fn example(queue: plain_worker::Queue, pool: String) -> plain_worker::Result<()> {
/// use plain_worker::Worker;
///
/// let report = Worker::builder(queue)
///     .state(pool) // what `#[inject]` parameters of that type get
///     .concurrency(100)
///     .run_until(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
///     .await?;
/// println!("{} jobs succeeded", report.succeeded);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Worker;

impl Worker {
    /// A worker of that queue, with the default settings.
    pub fn builder(queue: Queue) -> WorkerBuilder {
        WorkerBuilder::new(queue)
    }
}
