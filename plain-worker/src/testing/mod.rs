//! The kit for tests of programs that enqueue and run jobs.
//!
//! A [`TestQueue`] stands over a pool of your own (as `#[sqlx::test]` gives one), or over a
//! throw-away SQLite in memory. There is no global: tests run side by side, each with its own.
//! Nothing runs by itself; a [`TestWorker`] runs jobs when it is told to, and time moves when
//! the test moves it.
//!
//! ```
//! use plain_worker::testing::{TestQueue, assert_enqueued};
//! use plain_worker::{JobState, job};
//!
//! #[derive(Clone, Default)]
//! struct Mailer(std::sync::Arc<std::sync::Mutex<Vec<String>>>);
//!
//! #[job(retries = 2)]
//! async fn welcome_user(user_id: i64, #[inject] mailer: Mailer) {
//!     mailer.0.lock().unwrap().push(format!("welcome, {user_id}"));
//! }
//!
//! /// The handler under test: it knows nothing of the test's queue.
//! async fn sign_up(user_id: i64) -> plain_worker::Result<()> {
//!     welcome_user::enqueue(user_id).await?;
//!     Ok(())
//! }
//!
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> plain_worker::Result<()> {
//! let jobs = TestQueue::in_memory().await?;
//! jobs.scope(sign_up(7)).await?;
//! assert_enqueued!(jobs, welcome_user { user_id: 7 });
//!
//! let mailer = Mailer::default();
//! let ended = jobs.worker().state(mailer.clone()).drain().await?;
//! assert_eq!(ended[0].state, JobState::Succeeded);
//! assert_eq!(*mailer.0.lock().unwrap(), ["welcome, 7"]);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```

mod expected;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[doc(hidden)]
pub use expected::Expected;
pub use worker::TestWorker;

pub use plain_worker::{assert_enqueued, assert_not_enqueued};

use crate::error::{Error, Result};
use crate::job::{Job, JobDef};
use crate::queue::{Found, Lookup, Queue, scope};
use crate::store::{Clock, DatabasePool, QueueOptions};

/// How many rows are read at a time.
const BATCH: u32 = 1_000;

/// A queue for one test, whose clock the test moves and whose jobs run when the test says so.
///
/// Cheap to clone; all clones are the same queue.
#[derive(Clone, Debug)]
pub struct TestQueue {
    queue: Queue,
    /// The jobs whose schedules run.
    scheduled: Arc<Mutex<Vec<&'static JobDef>>>,
}

impl TestQueue {
    /// A queue over a database in memory, which is gone when the last clone is.
    ///
    /// # Errors
    /// When SQLite gives no database.
    #[cfg(feature = "sqlite")]
    pub async fn in_memory() -> Result<Self> {
        Ok(Self::of(Self::options().connect("sqlite::memory:").await?))
    }

    /// A queue over a pool of the test's own, such as that of `#[sqlx::test]`; creates the tables.
    ///
    /// # Errors
    /// When the database refuses the tables.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")] mod example {
    /// # use plain_worker::testing::TestQueue;
    /// // #[sqlx::test]
    /// async fn a_new_user_is_welcomed(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
    ///     let jobs = TestQueue::over(&pool).await?;
    ///     // …
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub async fn over(pool: impl DatabasePool) -> Result<Self> {
        let queue = Self::options().from_pool(pool)?;
        queue.migrate().await?;
        Ok(Self::of(queue))
    }

    /// A queue that was opened with [`Clock::Movable`] and has its tables.
    #[must_use]
    pub fn of(queue: Queue) -> Self {
        Self { queue, scheduled: Arc::default() }
    }

    /// The options that `in_memory` and `over` use.
    pub fn options() -> QueueOptions {
        Queue::options().clock(Clock::Movable)
    }

    /// The queue itself, to hand to the code under test.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Runs code for which this queue is the process-wide one.
    ///
    /// It holds for the task that awaits it, not for others that the code spawns.
    pub async fn scope<F: Future>(&self, work: F) -> F::Output {
        scope::within(Some(self.queue.clone()), work).await
    }

    /// The arguments of the jobs of this type that wait, in the order of their enqueue.
    ///
    /// # Errors
    /// [`Error::Row`] when a row cannot be read as such a job.
    pub async fn enqueued<J: Job>(&self) -> Result<Vec<J>> {
        self.waiting::<J>().await?.iter().map(read).collect()
    }

    /// The rows behind [`enqueued`](Self::enqueued), in the same order: queue, priority, time and more.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn waiting<J: Job>(&self) -> Result<Vec<Found<J>>> {
        let mut all: Vec<Found<J>> = Vec::new();
        loop {
            let lookup = Lookup::<J>::waiting().on(&self.queue);
            let lookup = match all.last() {
                Some(last) => lookup.after(last.id()),
                None => lookup,
            };
            let found = lookup.list(BATCH).await?;
            if found.is_empty() {
                all.reverse();
                return Ok(all);
            }
            all.extend(found);
        }
    }

    /// Moves the clock of this queue forward: what is due until then can run, none of it does by itself.
    ///
    /// # Errors
    /// When the database cannot be asked, or the queue's clock is not movable.
    pub async fn advance(&self, by: Duration) -> Result<()> {
        self.queue.move_clock(by).await
    }

    /// Starts the schedules on that job, from this moment on: their slots are run by workers of this
    /// queue once the clock has been moved over them.
    ///
    /// Schedules of jobs that are not started here never run, so that a test that moves time runs
    /// only what it is about. Several slots at once are what a worker finds after a downtime:
    /// `catch_up` decides which of them run.
    ///
    /// # Errors
    /// [`Error::Setting`] when the job has no schedule.
    pub async fn start_schedules<J: Job>(&self) -> Result<()> {
        let job = J::DEFINITION;
        if job.schedules.is_empty() {
            return Err(Error::Setting(format!("job `{}` ({}) has no schedule", job.name, job.place())));
        }
        {
            let mut scheduled = self.scheduled.lock().unwrap_or_else(PoisonError::into_inner);
            if !scheduled.iter().any(|known| known.name == job.name) {
                scheduled.push(job);
            }
        }
        self.worker().settle().await
    }

    /// A worker of this queue, which runs jobs when it is told to.
    pub fn worker(&self) -> TestWorker {
        let scheduled = self.scheduled.lock().unwrap_or_else(PoisonError::into_inner);
        TestWorker::new(&self.queue, scheduled.clone())
    }

    /// From now on an enqueue to this queue runs what is due before it returns, on a worker that `set_up` completes.
    ///
    /// What a job enqueues runs before the job goes on. The enqueue itself is `Ok` however the job
    /// ends; its row tells. A job that is enqueued in the caller's transaction does not exist yet
    /// when the enqueue returns: it runs with the next enqueue or drain after the commit.
    ///
    /// # Errors
    /// [`Error::Setting`] the second time.
    pub fn run_inline<F>(&self, set_up: F) -> Result<()>
    where
        F: Fn(TestWorker) -> TestWorker + Send + Sync + 'static,
    {
        let scheduled = Arc::clone(&self.scheduled);
        self.queue.after_enqueue(move |queue| {
            let scheduled = scheduled.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let worker = set_up(TestWorker::new(&queue, scheduled));
            Box::pin(async move { worker.drain().await.map(drop) })
        })
    }
}

fn read<J: Job>(found: &Found<J>) -> Result<J> {
    found.arguments().map_err(|error| Error::Row { table: "job_requests", reason: error.to_string() })
}
