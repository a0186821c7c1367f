//! The one door over a store: enqueue, look up, control. Spans and wake-ups live here, once.

mod announce;
mod bulk;
mod by_hand;
mod changes;
mod choice;
mod destination;
mod doctor;
mod enqueue;
mod faults;
mod gather;
mod handle;
mod inline;
mod lookups;
mod monitor;
mod open;
mod pause;
mod process_wide;
mod runtime;
mod schedules;
pub(crate) mod scope;
mod waiters;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle as RuntimeHandle;
use tokio::sync::watch;
use tracing::{Instrument, Span};

pub use bulk::BulkEnqueue;
pub use changes::{BulkChange, BulkProgress};
pub use destination::{Batch, Bulk, Completion, Destination, Ending, Placed, Within};
pub(crate) use destination::{LONGEST_NAME, check};
pub use enqueue::{Enqueue, Prepared};
pub use handle::{Handle, WaitError};
pub use lookups::{Found, Lookup};
pub use schedules::{NewSchedule, ScheduleChange, Schedules};

pub(crate) use choice::database_url;
pub(crate) use enqueue::request;

use crate::error::{Error, Result};
use crate::record::{
    AttemptRow, CancelAnswer, Ended, Inserted, JobFilter, JobId, JobRow, NewRequest, RetryAnswer, StatLine,
};
use crate::retention::Retention;
use crate::store::{DatabasePool, Namespace, OnWake, QueueOptions, Store};
use crate::telling::AttemptLog;

/// How long one statement of ours may take before its caller is told that the database is gone.
const STATEMENT_LIMIT: Duration = Duration::from_secs(30);
/// How many rows one statement takes away at most.
const PIECE: u32 = 5_000;
/// How often an enqueue is sent anew after a lost connection.
const ENQUEUE_TRIES: u32 = 4;
/// How long a bulk enqueue, a migration or another long work may take.
const LONG_LIMIT: Duration = Duration::from_secs(60 * 60);

/// The door to the jobs of one database: enqueue, look up, control.
///
/// Cheap to clone; all clones are the same queue. Several in one process, on
/// one database or on many, do not touch each other as long as their schema or
/// prefix differs.
///
/// ```no_run
/// # async fn example() -> plain_worker::Result<()> {
/// use plain_worker::Queue;
///
/// let queue = Queue::connect("sqlite:jobs.db").await?;
/// queue.make_process_wide()?; // what `enqueue(..).await` uses from now on
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    /// The runtime on which the pool was opened; database work runs there. For a SQLite file that we opened it is our own.
    runtime: Option<RuntimeHandle>,
    payload_limit: usize,
    /// Changes when something was enqueued through this queue; its workers listen.
    enqueued: watch::Sender<()>,
    waiters: waiters::Waiters,
    /// Postgres: collects the announcements of some milliseconds into one.
    announcer: announce::Announcer,
    /// Collects concurrent enqueues into one statement.
    gatherer: gather::Gatherer,
    after_enqueue: inline::AfterEnqueue,
    faults: faults::Faults,
}

impl Queue {
    /// Opens the database that the URL names (`sqlite:FILE`, `postgres://..`), with the default
    /// options; see [`QueueOptions::connect`].
    ///
    /// The connections live as long as the runtime that this is called on.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Unavailable`] say what is wrong, without the password.
    pub async fn connect(url: &str) -> Result<Self> {
        QueueOptions::new().connect(url).await
    }

    /// The queue over a pool of the application's own, with the default options.
    ///
    /// Touches nothing: call [`migrate`](Self::migrate) once, or let a worker create the tables.
    #[must_use]
    pub fn from_pool(pool: impl DatabasePool) -> Self {
        let options = QueueOptions::new();
        let store = pool.into_store(Namespace::default(), &options).0;
        Self::open(store, RuntimeHandle::try_current().ok(), options.payload_limit)
    }

    /// The options with which a queue is opened.
    pub fn options() -> QueueOptions {
        QueueOptions::new()
    }

    fn open(store: Arc<dyn Store>, runtime: Option<RuntimeHandle>, payload_limit: usize) -> Self {
        Self(Arc::new(Inner {
            store,
            runtime,
            payload_limit,
            enqueued: watch::Sender::default(),
            waiters: waiters::Waiters::default(),
            announcer: announce::Announcer::default(),
            gatherer: gather::Gatherer::default(),
            after_enqueue: inline::AfterEnqueue::default(),
            faults: faults::Faults::default(),
        }))
    }

    /// The database in words, without its password: `SQLite file jobs.db`.
    #[must_use]
    pub fn describe(&self) -> String {
        self.0.store.describe()
    }

    /// The kind of the database: `sqlite` or `postgres`.
    #[must_use]
    pub fn database_kind(&self) -> &'static str {
        self.0.store.kind()
    }

    /// The schema (Postgres) or table prefix (SQLite).
    #[must_use]
    pub fn schema(&self) -> &str {
        self.0.store.namespace().as_str()
    }

    /// Creates or upgrades the tables and names the steps that were taken; safe when many do it at once.
    ///
    /// # Errors
    /// When the database refuses, for example for a lack of rights; nothing is half-done then.
    pub async fn migrate(&self) -> Result<Vec<&'static str>> {
        self.run(LONG_LIMIT, |store| async move { store.migrate().await }).await
    }

    /// What [`migrate`](Self::migrate) would do now, as a script for `psql` or `sqlite3`; empty when there is nothing
    /// to do.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn migration_script(&self) -> Result<String> {
        self.ask(|store| async move { store.migration_script().await }).await
    }

    /// Creates missing tables, and upgrades older ones where that is done without asking (SQLite).
    ///
    /// # Errors
    /// [`Error::SchemaOlder`] names the command that upgrades them.
    pub async fn prepare(&self) -> Result<()> {
        self.run(LONG_LIMIT, |store| async move { store.prepare().await }).await
    }

    /// As [`prepare`](Self::prepare), but missing tables are created only where that is done without asking.
    #[cfg(feature = "cli")]
    pub(crate) async fn require(&self) -> Result<()> {
        self.run(LONG_LIMIT, |store| async move { store.require().await }).await
    }

    /// A connection or transaction of the caller's, with the tables of this queue.
    ///
    /// ```no_run
    /// # #[cfg(feature = "postgres")]
    /// # async fn example(queue: plain_worker::Queue, pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
    /// # use plain_worker::job;
    /// # #[job] async fn send_receipt(order: i64) {}
    /// let mut tx = pool.begin().await?;
    /// send_receipt::enqueue(7).on(queue.within(&mut tx)).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within<'w, C>(&'w self, connection: &'w mut C) -> Within<'w, C> {
        Within { queue: self, connection }
    }

    /// Enqueues a set of different jobs, all or none; see [`BulkEnqueue`].
    ///
    /// ```no_run
    /// # use plain_worker::job;
    /// # #[job] async fn welcome_user(user_id: i64) {}
    /// # #[job] async fn tidy_up() {}
    /// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
    /// queue.enqueue_batch([welcome_user::enqueue(7).prepare()?, tidy_up::enqueue().prepare()?]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn enqueue_batch(&self, jobs: impl IntoIterator<Item = Prepared>) -> BulkEnqueue<'_> {
        BulkEnqueue::of_prepared(jobs.into_iter().collect()).on(self)
    }

    /// One job with its state, or `None`.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRow>> {
        self.ask(move |store| async move { store.job(id).await }).await
    }

    /// The ended attempts of a job, oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn attempts(&self, id: JobId) -> Result<Vec<AttemptRow>> {
        self.ask(move |store| async move { store.attempts(id).await }).await
    }

    /// What a job's attempts logged, oldest first; see [`logs`](crate::logs).
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn logs(&self, id: JobId) -> Result<Vec<AttemptLog>> {
        self.ask(move |store| async move { store.logs(id).await }).await
    }

    /// Jobs that the filter lets through, newest first unless it says otherwise; the next page begins `after` the last
    /// job of this one.
    ///
    /// # Errors
    /// [`Error::TooLong`] when the search takes longer than [`JobFilter::within`].
    pub async fn list(&self, filter: JobFilter, after: Option<JobId>, limit: u32) -> Result<Vec<JobRow>> {
        self.ask(move |store| async move { store.list(filter, after, limit).await }).await
    }

    /// Counts by state, queue and job of what the filter lets through.
    ///
    /// # Errors
    /// [`Error::TooLong`] when the count takes longer than [`JobFilter::within`].
    pub async fn stats(&self, filter: JobFilter) -> Result<Vec<StatLine>> {
        self.ask(move |store| async move { store.stats(filter).await }).await
    }

    /// Cancels a job that waits, or asks the worker that runs it to stop it.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when there is none of that id.
    pub async fn cancel(&self, id: JobId) -> Result<CancelAnswer> {
        self.cancel_by(id, "").await
    }

    /// As [`cancel`](Self::cancel), with the name of who wants it, which is recorded.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when there is none of that id.
    pub async fn cancel_by(&self, id: JobId, by: &str) -> Result<CancelAnswer> {
        self.cancel_noting(id, by, true).await
    }

    /// As [`cancel_by`](Self::cancel_by); without `note` the audit is the caller's to write.
    async fn cancel_noting(&self, id: JobId, by: &str, note: bool) -> Result<CancelAnswer> {
        let by = by.to_owned();
        let answer = self
            .ask(move |store| async move { store.cancel(id, by, note).await })
            .await?
            .ok_or_else(|| Error::NoSuchJob { id, database: self.describe() })?;
        match answer {
            CancelAnswer::Asked => self.wake(Vec::new()),
            CancelAnswer::Cancelled => self.0.waiters.ended([id]),
            CancelAnswer::Ended(_) => {}
        }
        Ok(answer)
    }

    /// Makes a job that has ended, waits or is parked ready now, with all its retries.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when there is none of that id.
    pub async fn retry(&self, id: JobId) -> Result<RetryAnswer> {
        let answer = self
            .ask(move |store| async move { store.retry(id, None).await })
            .await?
            .ok_or_else(|| Error::NoSuchJob { id, database: self.describe() })?;
        if answer == RetryAnswer::Ready {
            self.wake(Vec::new());
        }
        Ok(answer)
    }

    /// As [`retry`](Self::retry), with the name of who wants it, which is recorded.
    ///
    /// # Errors
    /// [`Error::NoSuchJob`] when there is none of that id.
    pub async fn retry_by(&self, id: JobId, by: &str) -> Result<RetryAnswer> {
        let answer = self.retry(id).await?;
        if answer == RetryAnswer::Ready {
            self.note_change(by, "retry", &id.to_string(), 1).await?;
        }
        Ok(answer)
    }

    /// Takes away waiting jobs that the filter lets through, and frees their keys; they leave no trace but the
    /// [audit](Self::audit).
    ///
    /// # Errors
    /// When the database cannot be asked; what was taken away until then stays so.
    pub async fn purge(&self, filter: JobFilter) -> Result<u64> {
        self.purge_by(filter, "").await
    }

    /// As [`purge`](Self::purge), with the name of who wants it, which is recorded.
    ///
    /// # Errors
    /// When the database cannot be asked; what was taken away until then stays so.
    pub async fn purge_by(&self, filter: JobFilter, by: &str) -> Result<u64> {
        let mut total = 0;
        let mut noted = None;
        loop {
            let (filter, by) = (filter.clone(), by.to_owned());
            let purged = self
                .run(STATEMENT_LIMIT, move |store| async move { store.purge(filter, by, noted, PIECE).await })
                .await?;
            noted = purged.noted;
            total += purged.count;
            if purged.count < u64::from(PIECE) {
                return Ok(total);
            }
        }
    }

    /// Takes away ended jobs that are past their retention, in pieces.
    ///
    /// # Errors
    /// When the database cannot be asked; what was taken away until then stays so.
    pub async fn prune(&self, retention: Retention) -> Result<u64> {
        let mut total = 0;
        loop {
            let taken =
                self.run(STATEMENT_LIMIT, move |store| async move { store.prune(retention, PIECE).await }).await?;
            total += taken;
            if taken < u64::from(PIECE) {
                return Ok(total);
            }
        }
    }

    /// The time by the clock of the database, which decides what is due.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn now(&self) -> Result<DateTime<Utc>> {
        self.ask(|store| async move { store.now().await }).await
    }

    /// Moves the clock of a queue that was opened with [`Clock::Movable`](crate::Clock::Movable).
    ///
    /// # Errors
    /// [`Error::Setting`] for other queues.
    pub async fn move_clock(&self, by: Duration) -> Result<()> {
        self.ask(move |store| async move { store.move_clock(by).await }).await?;
        self.wake(Vec::new());
        Ok(())
    }

    /// Closes the connections of this queue, also those of an application's pool.
    pub async fn close(&self) {
        self.0.store.close().await;
    }
}

/// What the floors above and beside use.
impl Queue {
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    pub(crate) fn payload_limit(&self) -> usize {
        self.0.payload_limit
    }

    /// The runtime on which the work of this queue runs.
    pub(crate) fn runtime(&self) -> Result<RuntimeHandle> {
        match &self.0.runtime {
            Some(handle) => Ok(handle.clone()),
            None => RuntimeHandle::try_current().or_else(|_| runtime::own().cloned()),
        }
    }

    /// Changes when something was enqueued through this queue.
    pub(crate) fn enqueued(&self) -> watch::Receiver<()> {
        self.0.enqueued.subscribe()
    }

    /// Some jobs ended in this process; handles that wait for them look at once.
    pub(crate) fn note_ended(&self, ids: impl IntoIterator<Item = JobId>) {
        self.0.waiters.ended(ids);
    }

    fn waiters(&self) -> &waiters::Waiters {
        &self.0.waiters
    }

    /// Does database work in a task of its own and waits for it.
    ///
    /// A future of sqlx that is dropped half-way can leave an open transaction
    /// in the pool (sqlx issue 4385); the task goes on when the caller is
    /// dropped or its patience ends.
    pub(crate) async fn run<T, F, Fut>(&self, limit: Duration, work: F) -> Result<T>
    where
        F: FnOnce(Arc<dyn Store>) -> Fut,
        Fut: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let task = self.runtime()?.spawn(work(Arc::clone(&self.0.store)).instrument(Span::current()));
        let answer = match tokio::time::timeout(limit, task).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(join)) => match join.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(cancelled) => {
                    Err(Error::Unavailable { doing: "use a queue whose runtime has ended", source: cancelled.into() })
                }
            },
            Err(late) => Err(Error::Unavailable { doing: "get an answer in time", source: late.into() }),
        };
        answer.inspect_err(|error| self.0.faults.count(error))
    }

    /// As [`run`](Self::run), with the limit of one statement.
    pub(crate) async fn ask<T, F, Fut>(&self, work: F) -> Result<T>
    where
        F: FnOnce(Arc<dyn Store>) -> Fut,
        Fut: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        self.run(STATEMENT_LIMIT, work).await
    }

    async fn insert(self, batch: Batch) -> Result<Placed> {
        batch.check(self.0.payload_limit)?;
        let inserted = match &*batch.requests {
            [request] if request.unique.is_none() => vec![gather::Gatherer::insert(&self, request.clone()).await?],
            _ => self.insert_until_known(Arc::clone(&batch.requests), false).await?,
        };
        if batch.wake && inserted.iter().any(Inserted::is_new) {
            self.wake(batch.queues());
        }
        self.enqueue_done().await?;
        Ok(Placed { inserted, queue: Some(self), uncommitted: false })
    }

    /// Repeats an insert whose connection was lost: the ids are ours, so nothing is stored twice.
    ///
    /// With `again`, an earlier call may have put some in already.
    async fn insert_until_known(&self, requests: Arc<[NewRequest]>, again: bool) -> Result<Vec<Inserted>> {
        let mut pause = Duration::from_millis(50);
        for tried in 0.. {
            let batch = Arc::clone(&requests);
            match self.ask(move |store| async move { store.insert(batch, again || tried > 0).await }).await {
                Err(error) if error.is_transient() && tried + 1 < ENQUEUE_TRIES => {
                    tracing::debug!(%error, tried, "enqueue is sent again");
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                    pause *= 4;
                }
                Err(Error::Unavailable { doing: "commit", source }) => {
                    return Err(Error::Unknown { count: requests.len(), source });
                }
                answer => return answer,
            }
        }
        unreachable!("the loop has no end but its returns")
    }

    async fn insert_all(self, bulk: Bulk) -> Result<Placed> {
        let wake = bulk.wake;
        let unique = bulk.unique;
        let requests = bulk.checked(self.0.payload_limit);
        let inserted = if unique {
            // Keys are taken in one order by everybody, so that two bulk enqueues cannot deadlock: that takes all of them.
            let all = requests.collect::<Result<Vec<_>, _>>()?;
            self.run(LONG_LIMIT, |store| async move { store.insert(all.into(), false).await }).await?
        } else {
            self.run(LONG_LIMIT, |store| async move { store.insert_all(requests).await }).await?
        };
        if wake && inserted.iter().any(Inserted::is_new) {
            self.wake(Vec::new());
        }
        self.enqueue_done().await?;
        Ok(Placed { inserted, queue: Some(self), uncommitted: false })
    }

    /// Wakes the workers of this process at once and all others with the next announcement.
    pub(crate) fn wake(&self, queues: Vec<String>) {
        self.0.enqueued.send_replace(());
        self.0.announcer.announce(self, queues);
    }

    /// Calls `on_wake` at each announcement until the connection is lost.
    pub(crate) async fn listen(&self, direct: Option<String>, on_wake: OnWake) -> Result<()> {
        let store = Arc::clone(&self.0.store);
        store.listen(direct, on_wake).await
    }

    async fn outlook(&self, ids: Vec<JobId>) -> Result<Vec<(JobId, Option<Ended>)>> {
        self.ask(move |store| async move { store.outlook(ids).await }).await
    }

    async fn wait_until_ended(&self, id: JobId) -> Result<Ended> {
        waiters::Waiters::wait(self, id).await
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Queue").field(&self.describe()).finish()
    }
}
