use crate::error::{Error, Result};
use crate::job::JobDef;
use crate::queue::{Queue, scope};
use crate::worker::middleware::Middleware;
use crate::worker::{EndedJob, Worker, WorkerBuilder};

/// A drain that runs more jobs than this goes round in circles.
const MOST: usize = 100_000;

/// A worker that runs jobs in the test, one after the other, when it is told to; see [`TestQueue::worker`](super::TestQueue::worker).
///
/// It claims, runs and records as a real worker does, retries, steering errors and middleware
/// included. A job whose state it lacks is an error of the call; jobs that are not run need none.
#[derive(Debug)]
#[must_use = "it runs nothing until `drain` or `drain_one`"]
pub struct TestWorker {
    queue: Queue,
    builder: WorkerBuilder,
    scheduled: Vec<&'static JobDef>,
}

impl TestWorker {
    pub(super) fn new(queue: &Queue, scheduled: Vec<&'static JobDef>) -> Self {
        Self { queue: queue.clone(), builder: Worker::builder(queue.clone()), scheduled }
    }

    /// What `#[inject]` parameters of this type get, as a clone: a fake, for instance.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.builder = self.builder.state(value);
        self
    }

    /// Serves only these queues.
    pub fn queues<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.builder = self.builder.queues(names);
        self
    }

    /// Runs this around each job.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.builder = self.builder.middleware(middleware);
        self
    }

    /// Settings of the worker in the program under test, such as its hooks and middleware.
    pub fn with(mut self, customise: impl FnOnce(WorkerBuilder) -> WorkerBuilder) -> Self {
        self.builder = customise(self.builder);
        self
    }

    /// Runs everything that is due, and what that enqueues, in the order of a worker with one slot.
    ///
    /// Jobs that failed and wait for their retry are not due; move the clock for them.
    ///
    /// # Errors
    /// When the database cannot be asked; when a job needs a state that was not given: the text
    /// names it, and the job waits untouched; after 100,000 jobs.
    pub async fn drain(self) -> Result<Vec<EndedJob>> {
        self.drain_at_most(MOST).await
    }

    /// As [`drain`](Self::drain), with another limit on how many jobs may run.
    ///
    /// # Errors
    /// As [`drain`](Self::drain), and when more are due after that many.
    pub async fn drain_at_most(self, limit: usize) -> Result<Vec<EndedJob>> {
        let ended = self.run(limit.saturating_add(1)).await?;
        match ended.get(limit.saturating_sub(1)) {
            Some(last) if ended.len() > limit => Err(Error::Setting(format!(
                "{limit} jobs ran and more are due; the last was `{}`: does it enqueue itself?",
                last.job
            ))),
            _ => Ok(ended),
        }
    }

    /// Runs the next job that is due; none if there is none.
    ///
    /// # Errors
    /// As [`drain`](Self::drain).
    pub async fn drain_one(self) -> Result<Option<EndedJob>> {
        Ok(self.run(1).await?.pop())
    }

    /// Does what is due but for running jobs.
    pub(super) async fn settle(self) -> Result<()> {
        self.builder.by_hand(self.scheduled)?.settle().await
    }

    async fn run(self, limit: usize) -> Result<Vec<EndedJob>> {
        let mut worker = self.builder.by_hand(self.scheduled)?;
        let work = async {
            let mut ended = Vec::new();
            while ended.len() < limit {
                let Some(job) = worker.one().await? else { break };
                ended.push(job);
            }
            worker.hooks_done().await;
            Ok(ended)
        };
        // What a job enqueues without naming a queue goes where it came from.
        scope::within(Some(self.queue), work).await
    }
}
