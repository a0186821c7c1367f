//! The builder of many enqueues at once.

use std::borrow::Cow;
use std::future::IntoFuture;
use std::panic::Location;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use futures_util::future::BoxFuture;

use super::destination::{Bulk, Destination, ProcessWide, Requests};
use super::enqueue::{Prepared, draft};
use super::runtime;
use crate::error::{Refused, Result};
use crate::job::Job;
use crate::record::{Due, Inserted, NewRequest};

/// Many jobs on their way into a queue, all or none; `.await` sends them.
///
/// They are read from the iterator while they are sent, some thousands at a
/// time in one transaction, so a million need no more memory than a few (but
/// for their ids; jobs with a unique key are all read first). The answer holds
/// an entry for each, in their order.
///
/// # Errors
/// As for one enqueue; nothing is stored then. When the connection is lost in
/// mid-commit the answer is [`Error::Unknown`](crate::Error::Unknown).
///
/// ```no_run
/// # use plain_worker::job;
/// #[job]
/// async fn welcome_user(user_id: i64) {}
///
/// # async fn example() -> plain_worker::Result<()> {
/// let all = welcome_user::enqueue_all((0..100_000).map(|user_id| welcome_user { user_id })).await?;
/// assert!(all.iter().all(|one| one.is_new()));
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is enqueued until the builder is awaited"]
pub struct BulkEnqueue<'w> {
    requests: Requests,
    changes: Vec<Change>,
    destination: Box<dyn Destination<'w> + 'w>,
    unique: bool,
    wake: bool,
}

/// What a method of the builder changes about each job.
type Change = Box<dyn Fn(&mut NewRequest) -> Result<(), Refused> + Send>;

impl BulkEnqueue<'static> {
    /// The enqueue of these jobs, to the process-wide queue; called by generated code.
    #[doc(hidden)]
    #[track_caller]
    pub fn new<J, I>(jobs: I) -> Self
    where
        J: Job,
        I: IntoIterator<Item = J>,
        I::IntoIter: Send + 'static,
    {
        let caller = Location::caller();
        let requests = jobs.into_iter().map(move |job| {
            let (request, refused) = draft(&job, Some(caller));
            refused.map_or(Ok(request), Err)
        });
        Self {
            requests: Box::new(requests),
            changes: Vec::new(),
            destination: Box::new(ProcessWide),
            unique: J::DEFINITION.options.unique.is_some(),
            wake: true,
        }
    }

    pub(super) fn of_prepared(jobs: Vec<Prepared>) -> Self {
        let unique = jobs.iter().any(|job| job.0.unique.is_some());
        Self {
            requests: Box::new(jobs.into_iter().map(|job| Ok(job.0))),
            changes: Vec::new(),
            destination: Box::new(ProcessWide),
            unique,
            wake: true,
        }
    }

    /// Enqueues them from a plain function; see [`Enqueue::blocking`](crate::Enqueue::blocking).
    ///
    /// # Errors
    /// As when awaited.
    pub fn blocking(self) -> Result<Vec<Inserted>> {
        runtime::block_on(self.into_future())
    }
}

impl<'w> BulkEnqueue<'w> {
    fn change(mut self, change: impl Fn(&mut NewRequest) -> Result<(), Refused> + Send + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    fn set(self, set: impl Fn(&mut NewRequest) + Send + 'static) -> Self {
        self.change(move |request| {
            set(request);
            Ok(())
        })
    }

    /// Runs them no sooner than after that time, by the database's clock.
    pub fn delay(self, delay: Duration) -> Self {
        self.change(move |request| request.set_delay(delay))
    }

    /// Runs them no sooner than at that instant, by the database's clock.
    pub fn run_at<Tz: TimeZone>(self, at: DateTime<Tz>) -> Self {
        let at = at.with_timezone(&Utc);
        self.set(move |request| request.due = Due::At(at))
    }

    /// Puts them into that queue.
    pub fn queue(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.set(move |request| request.queue = Cow::Owned(name.clone()))
    }

    /// Runs them before all that are lower.
    pub fn priority(self, priority: i16) -> Self {
        self.set(move |request| request.priority = priority)
    }

    /// How often each may run again after failing.
    pub fn retries(self, retries: u32) -> Self {
        self.set(move |request| request.retries = retries)
    }

    /// Ends an attempt that runs longer.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(move |request| request.set_timeout(timeout))
    }

    /// They are worth nothing if not started by then.
    pub fn expires_in(self, span: Duration) -> Self {
        self.change(move |request| request.set_expires_in(span))
    }

    /// Whether sleeping workers are woken at once; see [`Enqueue::wake`](crate::Enqueue::wake).
    pub fn wake(mut self, wake: bool) -> Self {
        self.wake = wake;
        self
    }

    /// Sends them there: to a queue, or into the caller's own transaction.
    pub fn on<'n>(self, destination: impl Destination<'n>) -> BulkEnqueue<'n> {
        BulkEnqueue {
            requests: self.requests,
            changes: self.changes,
            destination: Box::new(destination),
            unique: self.unique,
            wake: self.wake,
        }
    }

    /// The future of this enqueue, for `tokio::spawn` and the like.
    pub fn send(self) -> BoxFuture<'w, Result<Vec<Inserted>>> {
        self.into_future()
    }
}

impl<'w> IntoFuture for BulkEnqueue<'w> {
    type Output = Result<Vec<Inserted>>;
    type IntoFuture = BoxFuture<'w, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { requests, changes, destination, unique, wake } = self;
        let requests = requests.map(move |request| {
            let mut request = request?;
            for change in &changes {
                change(&mut request)?;
            }
            Ok(request)
        });
        let bulk = Bulk { requests: Box::new(requests), unique, wake };
        Box::pin(async move { Ok(destination.place_all(bulk).await?.inserted) })
    }
}

impl std::fmt::Debug for BulkEnqueue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkEnqueue").finish_non_exhaustive()
    }
}
