use tracing::Level;

use super::{End, Middleware, Next};
use crate::worker::{Context, log};

/// Logs the start and the end of each attempt at its place among the middleware, instead of the worker.
///
/// The lines are those that every worker writes; here they stand inside the spans of the
/// middleware before it, and the level of the routine ones can be chosen.
///
/// ```no_run
/// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
/// use plain_worker::middleware::{Logging, Tracing};
///
/// plain_worker::Worker::builder(queue)
///     .middleware(Tracing::new())
///     .middleware(Logging::new().routine(tracing::Level::DEBUG))
///     .run_until(std::future::pending())
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Logging {
    routine: Level,
}

impl Logging {
    /// Routine lines at `INFO`, as the worker's own.
    #[must_use]
    pub const fn new() -> Self {
        Self { routine: Level::INFO }
    }

    /// The level of lines about starts and about ends that are no failure.
    ///
    /// Failures that are tried again stay warnings, dead jobs stay errors.
    #[must_use]
    pub const fn routine(mut self, level: Level) -> Self {
        self.routine = level;
        self
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Logging {
    async fn call(&self, ctx: &Context, next: Next<'_>) -> End {
        log::started(self.routine, ctx);
        let end = next.run().await;
        log::ended(self.routine, end.run(), end.finish(), end.took());
        end
    }

    fn logs(&self) -> bool {
        true
    }
}
