//! What a worker calls after the end of a job was recorded.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio_util::task::TaskTracker;

use super::builder::WorkerBuilder;
use super::panics;
use crate::arguments::read_arguments;
use crate::job::{Job, PayloadError};
use crate::record::{Finish, JobId, Run};
use crate::status::{AttemptStatus, ErrorKind, JobState};

/// An attempt that has ended and was recorded, as the hooks of a worker see it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndedJob {
    /// The job's id.
    pub id: JobId,
    /// The job's name.
    pub job: String,
    /// The queue it was in.
    pub queue: String,
    /// The arguments as JSON text, exactly as enqueued.
    pub arguments: String,
    /// The metadata given at the enqueue, as JSON text.
    pub metadata: Option<String>,
    /// When it was enqueued.
    pub enqueued_at: DateTime<Utc>,
    /// The number of the attempt that ended.
    pub attempt: i32,
    /// How the attempt ended.
    pub status: AttemptStatus,
    /// In which way it failed, if it failed.
    pub error_kind: Option<ErrorKind>,
    /// The recorded error, with its whole source chain.
    pub error: Option<String>,
    /// What it returned, as JSON text.
    pub output: Option<String>,
    /// Where the job stands now.
    pub state: JobState,
}

impl EndedJob {
    /// The end of a run; none for what goes back untouched.
    pub(super) fn of(run: &Run, finish: &Finish) -> Option<Self> {
        let record = finish.record.as_ref()?;
        Some(Self {
            id: run.id,
            job: run.job.clone(),
            queue: run.queue.clone(),
            arguments: run.arguments.clone(),
            metadata: run.metadata.clone(),
            enqueued_at: run.enqueued_at,
            attempt: run.attempt,
            status: record.status,
            error_kind: record.kind,
            error: record.error.clone(),
            output: record.output.clone(),
            state: finish.state(),
        })
    }

    /// The arguments of a job of that type.
    ///
    /// # Errors
    /// When they cannot be read as such: another job's, or of a shape that this program cannot read.
    pub fn arguments_of<J: Job>(&self) -> Result<J, PayloadError> {
        read_arguments(&self.arguments)
    }
}

type Hook = Arc<dyn Fn(EndedJob) -> BoxFuture<'static, ()> + Send + Sync>;

/// The hooks of a worker, and those that are going on.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    dead: Vec<Hook>,
    lost: Vec<Hook>,
    cancelled: Vec<Hook>,
    going_on: TaskTracker,
}

/// A hook of any type.
fn boxed<F, Fut>(hook: F) -> Hook
where
    F: Fn(EndedJob) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |job| Box::pin(hook(job)))
}

impl Hooks {
    /// What the hooks are to be told once this end is recorded; none when there is no hook for it.
    pub(super) fn about(&self, run: &Run, finish: &Finish) -> Option<EndedJob> {
        if self.dead.is_empty() && self.lost.is_empty() && self.cancelled.is_empty() {
            return None;
        }
        EndedJob::of(run, finish).filter(|job| self.of(job).next().is_some())
    }

    fn of<'h>(&'h self, job: &EndedJob) -> impl Iterator<Item = &'h Hook> + use<'h> {
        let none: &[Hook] = &[];
        let lost = if job.status == AttemptStatus::Lost { &*self.lost } else { none };
        let ended = match job.state {
            JobState::Dead => &*self.dead,
            JobState::Cancelled => &*self.cancelled,
            _ => none,
        };
        lost.iter().chain(ended)
    }

    /// Calls the hooks of an end that is recorded, beside everything else.
    pub(super) fn tell(&self, job: EndedJob) {
        for hook in self.of(&job).cloned() {
            let job = job.clone();
            self.going_on.spawn(async move {
                let (id, name) = (job.id, job.job.clone());
                // Called inside, so that what it does before its first await is caught, too.
                if let Err(panic) = panics::caught_future(async move { hook(job).await }).await {
                    tracing::error!(%id, job = name, "a hook {panic}");
                }
            });
        }
    }

    /// Waits until no hook is going on.
    pub(super) async fn done(&self) {
        self.going_on.close();
        self.going_on.wait().await;
    }
}

impl WorkerBuilder {
    /// Is called when a job of this worker has failed for good, after that was recorded.
    ///
    /// Hooks run beside the jobs and are waited for at the shutdown, within the grace period. They
    /// are called at most once for an end: not at all if the process dies before. What must
    /// happen goes into a job.
    ///
    /// ```no_run
    /// # #[plain_worker::job] async fn tell_support(text: String) {}
    /// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
    /// plain_worker::Worker::builder(queue)
    ///     .after_dead(|dead| async move {
    ///         let text = format!("{} {} is dead: {}", dead.job, dead.id, dead.error.unwrap_or_default());
    ///         if let Err(error) = tell_support::enqueue(text).await {
    ///             eprintln!("nobody was told: {error}");
    ///         }
    ///     })
    ///     .run_until(std::future::pending())
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn after_dead<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(EndedJob) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.dead.push(boxed(hook));
        self
    }

    /// Is called when this worker has rescued a job whose worker died, once an attempt; as [`after_dead`](Self::after_dead).
    pub fn after_lost<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(EndedJob) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.lost.push(boxed(hook));
        self
    }

    /// Is called when a job that ran here was cancelled, by a person or by itself; as [`after_dead`](Self::after_dead).
    ///
    /// A job that is cancelled while it waits reaches no worker, and so no hook.
    pub fn after_cancelled<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(EndedJob) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.cancelled.push(boxed(hook));
        self
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("dead", &self.dead.len())
            .field("lost", &self.lost.len())
            .field("cancelled", &self.cancelled.len())
            .finish_non_exhaustive()
    }
}
