//! A worker without tasks of its own: each step is a call, for tests.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::Config;
use super::context::{Cancellation, Context};
use super::executor::Attempt;
use super::hooks::EndedJob;
use super::outcome::{Ended, Unfit, decide};
use super::running::Running;
use super::scheduler::Scheduler;
use super::telling::write_logs;
use super::{log, panics};
use crate::error::{Error, Result};
use crate::job::{JobDef, PayloadError};
use crate::queue::Queue;
use crate::record::{Claim, Finish, Run, Trail};

/// How many rows one statement touches at most.
const PIECE: u32 = 1_000;

/// Runs jobs one after the other, each when it is asked to.
pub(crate) struct ByHand {
    queue: Queue,
    config: Arc<Config>,
    scheduler: Scheduler,
}

impl ByHand {
    pub(super) fn new(queue: Queue, config: Config) -> Self {
        let config = Arc::new(config);
        let (looked, _) = watch::channel(false);
        let (ready, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let scheduler = Scheduler::new(queue.clone(), Arc::clone(&config), ready, stop, looked);
        Self { queue, config, scheduler }
    }

    /// Does what is due at this moment but for running jobs: slots of schedules, waiting times that are over.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        self.scheduler.look_until_settled().await?;
        while self.queue.ask(|store| async move { store.promote(PIECE, false).await }).await?.count > 0 {}
        while self.queue.ask(|store| async move { store.expire(PIECE).await }).await? > 0 {}
        Ok(())
    }

    /// Runs the next job that is due; none if there is none.
    pub(crate) async fn one(&mut self) -> Result<Option<EndedJob>> {
        loop {
            self.settle().await?;
            let Some(run) = self.claim().await? else { return Ok(None) };
            let definition = match self.fit(&run) {
                Ok(definition) => definition,
                Err(unfit) => {
                    self.record(decide(&run, None, Ended::NotForUs(unfit))).await?;
                    continue;
                }
            };
            if let Err(error) = self.provided(definition) {
                self.record(decide(&run, Some(definition), Ended::NotStarted)).await?;
                return Err(error);
            }
            let finish = self.run(&run, definition).await;
            let told = self.config.hooks.about(&run, &finish);
            let ended = EndedJob::of(&run, &finish);
            self.record(finish).await?;
            if let Some(job) = told {
                self.config.hooks.tell(job);
            }
            let Some(ended) = ended else {
                return Err(Error::Setting(format!("job `{}` could not be started", run.job)));
            };
            return Ok(Some(ended));
        }
    }

    /// Waits until no hook is going on.
    pub(crate) async fn hooks_done(&self) {
        self.config.hooks.done().await;
    }

    async fn claim(&self) -> Result<Option<Run>> {
        let commands = self.config.registry.jobs().iter().filter(|job| job.command.is_some());
        let claim = Claim {
            worker: self.config.id,
            build: self.config.build.clone(),
            queues: self.config.queues.clone(),
            except_queues: Vec::new(),
            only: None,
            // Those need a guard, which is a program.
            except: commands.map(|job| (job.name.to_owned(), String::new())).collect(),
            limit: 1,
            trail: Trail::default(),
        };
        Ok(self.queue.ask(move |store| async move { store.claim(claim).await }).await?.pop())
    }

    /// The definition of a run that this program can run.
    fn fit(&self, run: &Run) -> Result<&'static JobDef, Unfit> {
        let Some(definition) = self.config.registry.get(&run.job) else {
            return Err(Unfit::Park(format!("no job named `{}` is registered", run.job)));
        };
        if definition.shape() == run.shape {
            return Ok(definition);
        }
        match panics::caught(|| (definition.check)(&run.arguments)) {
            Ok(Ok(()) | Err(PayloadError::Missing(_))) => Ok(definition),
            Ok(Err(PayloadError::Unreadable(reason))) | Err(reason) => Err(Unfit::Park(reason)),
        }
    }

    /// Refuses a job whose injected parameters are not all there.
    fn provided(&self, definition: &JobDef) -> Result<()> {
        for parameter in definition.injected {
            (parameter.check)(&self.config.states).map_err(|error| {
                Error::Setting(format!(
                    "job `{}` ({}) needs `{parameter:?}`: {error}",
                    definition.name,
                    definition.place()
                ))
            })?;
        }
        Ok(())
    }

    async fn run(&self, run: &Run, definition: &'static JobDef) -> Finish {
        if run.expired {
            return decide(run, Some(definition), Ended::Expired);
        }
        let cancellation = Cancellation::default();
        let attempt = Attempt {
            queue: &self.queue,
            run,
            definition,
            states: &self.config.states,
            context: Context::of_run(
                self.queue.clone(),
                run,
                cancellation.clone(),
                self.config.job_logs,
                Arc::default(),
            ),
            cancellation: &cancellation,
            jobs: &tokio::runtime::Handle::current(),
            running: &Running::default(),
            own: TaskTracker::new(),
            process_ends: false,
            guard: None,
        };
        let since = std::time::Instant::now();
        let layers = &self.config.layers;
        if !layers.log() {
            log::started(tracing::Level::INFO, &attempt.context);
        }
        let finish = if layers.is_empty() {
            decide(run, Some(definition), attempt.execute().await)
        } else {
            layers.run(&attempt).await
        };
        if !layers.log() {
            log::ended(tracing::Level::INFO, run, &finish, since.elapsed());
        }
        write_logs(&self.queue, attempt.context.log_to_write().into_iter().collect()).await;
        finish
    }

    async fn record(&self, finish: Finish) -> Result<()> {
        let id = finish.id;
        self.queue.ask(move |store| async move { store.finish([finish].into()).await }).await?;
        self.queue.note_ended([id]);
        Ok(())
    }
}
