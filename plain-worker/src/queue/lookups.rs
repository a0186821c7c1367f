//! Typed look-ups: the jobs of one name that wait, run or have ended, with their arguments.

use std::marker::PhantomData;

use chrono::{DateTime, TimeZone, Utc};
use serde::de::DeserializeOwned;

use super::{Handle, Queue};
use crate::arguments::read_arguments;
use crate::error::{Error, Result};
use crate::job::{Job, PayloadError};
use crate::record::{JobFilter, JobId, JobRow};
use crate::status::JobState;

/// Looks for jobs of one name; made by `welcome_user::waiting()`, `::running()` and `::results()`.
///
/// Asks the process-wide queue unless [`on`](Self::on) names another. Rows under an alias of the
/// job are found, too.
///
/// ```no_run
/// # use plain_worker::job;
/// #[job(unique(user_id))]
/// async fn welcome_user(user_id: i64) {}
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// if welcome_user::waiting().count().await? > 1_000 {
///     println!("the mail is late");
/// }
/// let hour_ago = chrono::Utc::now() - chrono::TimeDelta::hours(1);
/// for found in welcome_user::results().since(hour_ago).list(20).await? {
///     println!("{} for user {}", found.row.state, found.arguments()?.user_id);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is asked until `count`, `first` or `list`"]
pub struct Lookup<J> {
    filter: JobFilter,
    /// Whether times are those of the end.
    ended: bool,
    after: Option<JobId>,
    queue: Option<Queue>,
    job: PhantomData<fn() -> J>,
}

/// A job that a [`Lookup`] found.
pub struct Found<J> {
    /// The job's row.
    pub row: JobRow,
    job: PhantomData<fn() -> J>,
}

/// What generated code calls.
impl<J: Job> Lookup<J> {
    fn of(states: impl IntoIterator<Item = JobState>, ended: bool) -> Self {
        let definition = J::DEFINITION;
        let names = std::iter::once(&definition.name).chain(definition.aliases);
        let filter = JobFilter {
            states: states.into_iter().collect(),
            jobs: names.map(|name| (*name).to_owned()).collect(),
            ..JobFilter::new()
        };
        Self { filter, ended, after: None, queue: None, job: PhantomData }
    }

    #[doc(hidden)]
    pub fn waiting() -> Self {
        let waits = |state: &JobState| !state.is_final() && *state != JobState::Running;
        Self::of(JobState::ALL.iter().copied().filter(waits), false)
    }

    #[doc(hidden)]
    pub fn running() -> Self {
        Self::of([JobState::Running], false)
    }

    #[doc(hidden)]
    pub fn results() -> Self {
        Self::of(JobState::ALL.iter().copied().filter(|state| state.is_final()), true)
    }
}

impl<J: Job> Lookup<J> {
    /// Asks that queue instead of the process-wide one.
    pub fn on(mut self, queue: &Queue) -> Self {
        self.queue = Some(queue.clone());
        self
    }

    /// Only the job that holds, or held, this unique key.
    pub fn unique_key(mut self, key: impl Into<String>) -> Self {
        self.filter.unique_key = Some(key.into());
        self
    }

    /// Only jobs in this queue; named twice, in either.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.filter.queues.push(name.into());
        self
    }

    /// Only jobs in this state, out of those that the look-up is about.
    pub fn state(mut self, state: JobState) -> Self {
        self.filter.states.retain(|known| *known == state);
        self
    }

    /// Only jobs that were enqueued then or later; for results, that ended then or later.
    pub fn since<Tz: TimeZone>(mut self, time: DateTime<Tz>) -> Self {
        let time = Some(time.with_timezone(&Utc));
        *if self.ended { &mut self.filter.ended_since } else { &mut self.filter.enqueued_since } = time;
        self
    }

    /// Only jobs that were enqueued before; for results, that ended before.
    pub fn until<Tz: TimeZone>(mut self, time: DateTime<Tz>) -> Self {
        let time = Some(time.with_timezone(&Utc));
        *if self.ended { &mut self.filter.ended_before } else { &mut self.filter.enqueued_before } = time;
        self
    }

    /// Only jobs that were enqueued before this one, which may be the last of a list: the next page.
    pub fn after(mut self, last: JobId) -> Self {
        self.after = Some(last);
        self
    }

    /// The filter, and the queue to ask; `None` when nothing can be found.
    async fn asked(self) -> Result<Option<(Queue, JobFilter, Option<JobId>)>> {
        // An empty list of states would let all of them through.
        if self.filter.states.is_empty() {
            return Ok(None);
        }
        let queue = match self.queue {
            Some(queue) => queue,
            None => Queue::process_wide().await?,
        };
        Ok(Some((queue, self.filter, self.after)))
    }

    /// How many there are; pages count for nothing here.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn count(self) -> Result<u64> {
        let Some((queue, filter, _)) = self.asked().await? else { return Ok(0) };
        Ok(queue.stats(filter).await?.iter().map(|line| line.count).sum())
    }

    /// At most that many, the newest enqueue first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(self, limit: u32) -> Result<Vec<Found<J>>> {
        let Some((queue, filter, after)) = self.asked().await? else { return Ok(Vec::new()) };
        let rows = queue.list(filter, after, limit).await?;
        Ok(rows.into_iter().map(|row| Found { row, job: PhantomData }).collect())
    }

    /// The newest of them.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn first(self) -> Result<Option<Found<J>>> {
        Ok(self.list(1).await?.pop())
    }
}

impl<J: Job> Found<J> {
    /// The job's id.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.row.id
    }

    /// The job's arguments.
    ///
    /// # Errors
    /// When they are of a shape that this program cannot read; the text names the argument.
    pub fn arguments(&self) -> Result<J, PayloadError> {
        read_arguments(&self.row.arguments)
    }

    /// A handle, to wait for the job or to cancel it; it asks the process-wide queue unless told otherwise.
    #[must_use]
    pub fn handle(&self) -> Handle<J> {
        Handle::of_id(self.row.id)
    }
}

impl<J: Job> Found<J>
where
    J::Output: DeserializeOwned,
{
    /// What the job returned; none while it has not succeeded.
    ///
    /// # Errors
    /// [`Error::Row`] when what was recorded is of another type.
    pub fn output(&self) -> Result<Option<J::Output>> {
        if self.row.state != JobState::Succeeded {
            return Ok(None);
        }
        let text = self.row.output.as_deref().unwrap_or("null");
        let wrong = |error: serde_json::Error| Error::Row { table: "job_results", reason: format!("output: {error}") };
        serde_json::from_str(text).map(Some).map_err(wrong)
    }
}

impl<J> std::fmt::Debug for Lookup<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").field("filter", &self.filter).finish_non_exhaustive()
    }
}

impl<J> std::fmt::Debug for Found<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Arguments may be secret, so they are not shown.
        f.debug_struct("Found")
            .field("id", &self.row.id)
            .field("job", &self.row.job)
            .field("state", &self.row.state)
            .finish_non_exhaustive()
    }
}
