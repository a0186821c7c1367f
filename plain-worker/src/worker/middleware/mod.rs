//! What runs around each job: [`Middleware`], and the two that come with the crate.

mod end;
mod logging;
mod tracing;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use serde::Serialize;

pub use end::{AttemptFailed, End};
pub use logging::Logging;
pub use tracing::Tracing;

use super::builder::WorkerBuilder;
use super::context::Context;
use super::executor::Attempt;
use super::outcome::{Ended, decide};
use super::panics;
use crate::job::{BoxError, JobFailure};
use crate::payload;
use crate::record::Finish;
use crate::status::CancelReason;

/// Something that runs around each attempt of each job, such as a report of errors to elsewhere.
///
/// Those of a worker are given to [`WorkerBuilder::middleware`](crate::WorkerBuilder::middleware)
/// and run in that order, the first one outermost. Each calls [`Next::run`] for what is inside of
/// it, or ends the attempt itself by [`Next::succeed`] or [`Next::fail`]. A worker without any does
/// nothing for them.
///
/// It sees every way in which an attempt ends: errors, panics, timeouts, cancellations and the
/// hand-back at a shutdown. Its own time counts for no timeout, and a panic in it counts as the
/// job's. The span that is current where it calls `run` is also that of the job's function.
///
/// ```no_run
/// use plain_worker::Context;
/// use plain_worker::middleware::{End, Middleware, Next};
///
/// struct Reporter;
///
/// impl Middleware for Reporter {
///     async fn call(&self, ctx: &Context, next: Next<'_>) -> End {
///         let end = next.run().await;
///         if let Some(error) = end.error().filter(|_| !end.will_retry()) {
///             let refused = error.downcast_ref::<std::io::Error>().is_some();
///             eprintln!("{} failed after {:?}: {error} (input or output: {refused})", ctx.job(), end.took());
///         }
///         end
///     }
/// }
///
/// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
/// plain_worker::Worker::builder(queue).middleware(Reporter).run_until(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
pub trait Middleware: Send + Sync + 'static {
    /// Runs around one attempt; the answer is how the attempt ended.
    fn call(&self, ctx: &Context, next: Next<'_>) -> impl Future<Output = End> + Send;

    /// Whether it logs the start and the end of each attempt, so that the worker does not.
    fn logs(&self) -> bool {
        false
    }
}

/// The rest of the way to the job's function, from one [`Middleware`] on.
pub struct Next<'a> {
    rest: &'a [Arc<dyn Layer>],
    attempt: &'a Attempt<'a>,
}

impl Next<'_> {
    /// Runs what is inside of this middleware, the job's function in the middle, and gives its end.
    pub async fn run(self) -> End {
        match self.rest.split_first() {
            Some((layer, rest)) => layer.call(&self.attempt.context, Next { rest, attempt: self.attempt }).await,
            None => {
                let since = Instant::now();
                let ended = self.attempt.execute().await;
                End::of(self.attempt, ended, since.elapsed())
            }
        }
    }

    /// Ends the attempt without running the job: it has succeeded, with that output (`&()` for none).
    ///
    /// An output that cannot be stored is a failure that is not retried, as the job's own would be.
    pub fn succeed<T: Serialize + ?Sized>(self, output: &T) -> End {
        let end = match payload::to_json(output) {
            Ok(text) => Ok((text != "null").then_some(text)),
            Err(reason) => {
                let error: BoxError = format!("the output cannot be recorded: {reason}").into();
                Err(JobFailure { error: error.into(), retry: false, output: None })
            }
        };
        End::of(self.attempt, Ended::Returned(end, None), std::time::Duration::ZERO)
    }

    /// Ends the attempt without running the job, as if its function had returned that error.
    ///
    /// [`discard`](crate::discard), [`snooze`](crate::snooze) and [`cancel`](crate::cancel) steer the
    /// end as they do in a job.
    pub fn fail(self, error: impl Into<BoxError>) -> End {
        let failure = JobFailure { error: error.into().into(), retry: true, output: None };
        End::of(self.attempt, Ended::Returned(Err(failure), None), std::time::Duration::ZERO)
    }
}

impl std::fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Next").field("job", &self.attempt.run.job).field("inside", &self.rest.len()).finish()
    }
}

impl WorkerBuilder {
    /// Runs this around each job; the first one given is the outermost. See [`Middleware`].
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.layers.push(middleware);
        self
    }
}

/// A [`Middleware`] of any type.
trait Layer: Send + Sync {
    fn call<'a>(&'a self, ctx: &'a Context, next: Next<'a>) -> BoxFuture<'a, End>;
}

impl<M: Middleware> Layer for M {
    fn call<'a>(&'a self, ctx: &'a Context, next: Next<'a>) -> BoxFuture<'a, End> {
        Box::pin(Middleware::call(self, ctx, next))
    }
}

/// The middleware of a worker, outermost first.
#[derive(Default)]
pub(super) struct Layers {
    layers: Vec<Arc<dyn Layer>>,
    logs: bool,
}

impl Layers {
    fn push(&mut self, middleware: impl Middleware) {
        self.logs |= middleware.logs();
        self.layers.push(Arc::new(middleware));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Whether one of them logs starts and ends in the worker's place.
    pub(super) fn log(&self) -> bool {
        self.logs
    }

    /// Runs an attempt with all of them around it.
    pub(super) async fn run(&self, attempt: &Attempt<'_>) -> Finish {
        let next = Next { rest: &self.layers, attempt };
        let ended = tokio::select! {
            end = panics::caught_future(next.run()) => match end {
                Ok(end) => return end.into_finish(),
                Err(panic) => Ended::Panicked(panic),
            },
            () = attempt.outstayed() => Ended::Stopped(CancelReason::Shutdown, None),
        };
        decide(attempt.run, Some(attempt.definition), ended)
    }
}

impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers").field("count", &self.layers.len()).finish_non_exhaustive()
    }
}

/// An error as it is seen from outside.
type Seen = Arc<dyn Error + Send + Sync>;
