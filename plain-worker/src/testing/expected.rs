use std::fmt::Debug;
use std::time::Duration;

use chrono::TimeDelta;

use super::TestQueue;
use crate::job::Job;
use crate::queue::Found;

/// Asserts that a job with these arguments waits in the queue of the test.
///
/// The first value is a [`TestQueue`](crate::testing::TestQueue), the second the job as a struct;
/// `queue = ".."`, `priority = ..` and `delay = ..` (the time between its enqueue and its turn)
/// may follow. It awaits, so it stands in async code.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> plain_worker::Result<()> {
/// use plain_worker::testing::{TestQueue, assert_enqueued, assert_not_enqueued};
/// use std::time::Duration;
/// # #[plain_worker::job] async fn welcome_user(user_id: i64) {}
///
/// let jobs = TestQueue::in_memory().await?;
/// welcome_user::enqueue(7).queue("mail").delay(Duration::from_secs(60)).on(jobs.queue()).await?;
/// assert_enqueued!(jobs, welcome_user { user_id: 7 });
/// assert_enqueued!(jobs, welcome_user { user_id: 7 }, queue = "mail", delay = Duration::from_secs(60));
/// assert_not_enqueued!(jobs, welcome_user { user_id: 8 });
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sqlite"))]
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! assert_enqueued {
    ($jobs:expr, $job:expr $(, $option:ident = $value:expr)* $(,)?) => {
        if let ::core::result::Result::Err(wrong) =
            $crate::testing::Expected::new($job)$(.$option($value))*.find(&$jobs).await
        {
            ::core::panic!("{wrong}");
        }
    };
}

/// Asserts that no job with these arguments waits in the queue of the test; takes what
/// [`assert_enqueued!`](crate::assert_enqueued) takes.
#[macro_export]
macro_rules! assert_not_enqueued {
    ($jobs:expr, $job:expr $(, $option:ident = $value:expr)* $(,)?) => {
        if let ::core::result::Result::Err(wrong) =
            $crate::testing::Expected::new($job)$(.$option($value))*.miss(&$jobs).await
        {
            ::core::panic!("{wrong}");
        }
    };
}

/// A job that is looked for.
#[derive(Debug)]
pub struct Expected<J> {
    job: J,
    queue: Option<String>,
    priority: Option<i16>,
    delay: Option<Duration>,
}

impl<J: Job + PartialEq + Debug> Expected<J> {
    /// Any job with these arguments.
    #[must_use]
    pub fn new(job: J) -> Self {
        Self { job, queue: None, priority: None, delay: None }
    }

    /// In this queue.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = Some(name.into());
        self
    }

    /// With this priority.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Due that long after its enqueue.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Finds it among what waits.
    ///
    /// # Errors
    /// When there is none; the text says what there is.
    pub async fn find(self, jobs: &TestQueue) -> Result<(), String> {
        let waiting = self.look(jobs).await?;
        if waiting.iter().any(|found| self.fits(found)) {
            return Ok(());
        }
        Err(format!("no such job is enqueued: {}\n{}", self.shown(), list(&waiting)))
    }

    /// Finds none such among what waits.
    ///
    /// # Errors
    /// When there is one.
    pub async fn miss(self, jobs: &TestQueue) -> Result<(), String> {
        let waiting = self.look(jobs).await?;
        match waiting.iter().filter(|found| self.fits(found)).count() {
            0 => Ok(()),
            count => Err(format!("enqueued {count} times: {}", self.shown())),
        }
    }

    async fn look(&self, jobs: &TestQueue) -> Result<Vec<Found<J>>, String> {
        jobs.waiting::<J>().await.map_err(|error| error.to_string())
    }

    fn fits(&self, found: &Found<J>) -> bool {
        let row = &found.row;
        // Both are rounded to microseconds by the database.
        let late =
            |delay: Duration| (row.due_at - row.enqueued_at - TimeDelta::from_std(delay).unwrap_or_default()).abs();
        found.arguments().is_ok_and(|job| job == self.job)
            && self.queue.as_ref().is_none_or(|queue| *queue == row.queue)
            && self.priority.is_none_or(|priority| priority == row.priority)
            && self.delay.is_none_or(|delay| late(delay) < TimeDelta::milliseconds(1))
    }

    fn shown(&self) -> String {
        let queue = self.queue.as_ref().map(|queue| format!(", queue = {queue:?}")).unwrap_or_default();
        let priority = self.priority.map(|priority| format!(", priority = {priority}")).unwrap_or_default();
        let delay = self.delay.map(|delay| format!(", delay = {delay:?}")).unwrap_or_default();
        format!("{:?}{queue}{priority}{delay}", self.job)
    }
}

/// The jobs that are there instead.
fn list<J: Job + Debug>(waiting: &[Found<J>]) -> String {
    if waiting.is_empty() {
        return format!("no job `{}` waits", J::DEFINITION.name);
    }
    let lines = waiting.iter().map(|found| {
        let row = &found.row;
        let job = match found.arguments() {
            Ok(job) => format!("{job:?}"),
            Err(error) => format!("unreadable: {error}"),
        };
        let delay = (row.due_at - row.enqueued_at).to_std().unwrap_or_default();
        format!("  {job}, queue = {:?}, priority = {}, delay = {delay:?}", row.queue, row.priority)
    });
    format!("what waits is:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
