//! What an enqueue gives back: the job's id, and ways to ask what became of it.

use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::Queue;
use super::destination::Placed;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::record::{Inserted, JobId};
use crate::status::JobState;

/// A job that was enqueued, by its type.
///
/// Also made from an id alone, by `welcome_user::handle(id)`.
///
/// ```no_run
/// # use plain_worker::job;
/// #[job]
/// async fn count_words(text: String) -> usize { text.split_whitespace().count() }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let handle = count_words::enqueue("to be or not".to_owned()).await?;
/// assert_eq!(handle.wait().await?, 4);
/// # Ok(())
/// # }
/// ```
pub struct Handle<J> {
    inserted: Inserted,
    queue: Option<Queue>,
    uncommitted: bool,
    job: PhantomData<fn() -> J>,
}

/// Why [`Handle::wait`] gives no output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The job ended for good without an output.
    #[error("job {id} is {state}: {error}")]
    Ended {
        /// The job.
        id: JobId,
        /// `Dead`, `Cancelled` or `Expired`.
        state: JobState,
        /// The recorded error.
        error: String,
    },
    /// It has not ended in that time; it goes on.
    #[error("job {id} has not ended within {waited:?}")]
    NotYet {
        /// The job.
        id: JobId,
        /// How long was waited.
        waited: Duration,
    },
    /// The job does not exist yet: the transaction that enqueued it is still open, or was rolled back.
    #[error(
        "job {id} does not exist: the transaction that enqueued it is still open or was rolled back; commit, then wait"
    )]
    Uncommitted {
        /// The job.
        id: JobId,
    },
    /// The recorded output is not of the job's type.
    #[error("the output of job {id} cannot be read: {reason}")]
    Output {
        /// The job.
        id: JobId,
        /// What is wrong with it.
        reason: String,
    },
    /// The queue could not be asked.
    #[error(transparent)]
    Queue(#[from] Error),
}

impl<J: Job> Handle<J> {
    pub(super) fn of_placed(placed: Placed) -> Result<Self> {
        let Some(inserted) = placed.inserted.first().copied() else {
            return Err(Error::Row { table: "job_requests", reason: "an insert answered nothing".to_owned() });
        };
        Ok(Self { inserted, queue: placed.queue, uncommitted: placed.uncommitted, job: PhantomData })
    }

    /// The handle of a job that was enqueued elsewhere or earlier; called by generated code.
    #[doc(hidden)]
    #[must_use]
    pub fn of_id(id: JobId) -> Self {
        Self { inserted: Inserted::New(id), queue: None, uncommitted: false, job: PhantomData }
    }

    /// The same handle, asking that queue instead of the one it was sent to (or the process-wide one).
    #[must_use]
    pub fn on(mut self, queue: &Queue) -> Self {
        self.queue = Some(queue.clone());
        self
    }

    /// The job's id.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.inserted.id()
    }

    /// Whether this enqueue stored the job, or found one that holds its unique key.
    #[must_use]
    pub const fn inserted(&self) -> Inserted {
        self.inserted
    }

    async fn queue(&self) -> Result<Queue> {
        match &self.queue {
            Some(queue) => Ok(queue.clone()),
            None => Queue::process_wide().await,
        }
    }

    /// Where the job stands.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when it was pruned, purged or never committed.
    pub async fn status(&self) -> Result<JobState> {
        let queue = self.queue().await?;
        match queue.job(self.id()).await? {
            Some(row) => Ok(row.state),
            None => Err(Error::NoSuchJob { id: self.id(), database: queue.describe() }),
        }
    }

    /// Cancels the job; see [`Queue::cancel`].
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when it was pruned, purged or never committed.
    pub async fn cancel(&self) -> Result<crate::CancelAnswer> {
        self.queue().await?.cancel(self.id()).await
    }
}

impl<J: Job> Handle<J>
where
    J::Output: DeserializeOwned,
{
    /// Waits until the job has ended for good, and gives its output.
    ///
    /// A worker in this process wakes it at once; ends elsewhere are noticed
    /// within 50 ms to 1 s, by one query for all handles of the process.
    ///
    /// # Errors
    /// [`WaitError::Ended`] with the recorded error when the job failed for
    /// good, [`WaitError::Uncommitted`] when its transaction is still open.
    pub async fn wait(&self) -> Result<J::Output, WaitError> {
        let id = self.id();
        let queue = self.queue().await?;
        let ended = match queue.wait_until_ended(id).await {
            Err(Error::NoSuchJob { .. }) if self.uncommitted => return Err(WaitError::Uncommitted { id }),
            other => other?,
        };
        if ended.state != JobState::Succeeded {
            let error = ended.error.unwrap_or_else(|| "no error was recorded".to_owned());
            return Err(WaitError::Ended { id, state: ended.state, error });
        }
        let output = ended.output.as_deref().unwrap_or("null");
        serde_json::from_str(output).map_err(|error| WaitError::Output { id, reason: error.to_string() })
    }

    /// As [`wait`](Self::wait), at most that long; the job goes on.
    ///
    /// # Errors
    /// [`WaitError::NotYet`] when the time is over.
    pub async fn wait_for(&self, limit: Duration) -> Result<J::Output, WaitError> {
        match tokio::time::timeout(limit, self.wait()).await {
            Ok(ended) => ended,
            Err(_) => Err(WaitError::NotYet { id: self.id(), waited: limit }),
        }
    }
}

impl<J: Job> std::fmt::Debug for Handle<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("job", &J::DEFINITION.name)
            .field("inserted", &self.inserted)
            .finish_non_exhaustive()
    }
}
