//! What a running job may know and do: its own record, its cancellation, its completion.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::outcome;
use super::telling::{Bell, Telling};
use crate::error::{Error, Refused, Result};
use crate::job::{Inject, MissingState, Scope, States};
use crate::payload;
use crate::queue::{Completion, Ending, Queue};
use crate::record::{JobId, Run};
use crate::status::CancelReason;
use crate::telling::{JobLogs, NewLog, Progress};

/// What a running job may know of itself, and how it hears that it should stop.
///
/// Cheap to clone. A job gets it by a parameter `#[inject] ctx: Context`.
///
/// ```no_run
/// # use plain_worker::{Context, job};
/// #[job]
/// async fn import(#[inject] ctx: Context, file: String) {
///     for line in file.lines() {
///         if ctx.is_cancelled() {
///             return;
///         }
///         println!("{} (attempt {}): {line}", ctx.id(), ctx.attempt());
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    id: JobId,
    job: String,
    queue_name: String,
    attempt: u32,
    failures: u32,
    retries: u32,
    enqueued_at: DateTime<Utc>,
    slot: Option<DateTime<Utc>>,
    metadata: Option<String>,
    cancellation: Cancellation,
    /// None when detached.
    queue: Option<Queue>,
    /// The run that this context belongs to; none where nothing is stored of it.
    run: Option<Run>,
    /// What the run tells while it goes on; none where nothing is stored of it.
    telling: Option<Telling>,
    completed: AtomicBool,
}

impl Inner {
    fn detached() -> Self {
        Self {
            id: JobId::generate(),
            job: String::new(),
            queue_name: "default".to_owned(),
            attempt: 1,
            failures: 0,
            retries: 0,
            enqueued_at: Utc::now(),
            slot: None,
            metadata: None,
            cancellation: Cancellation::default(),
            queue: None,
            run: None,
            telling: None,
            completed: AtomicBool::new(false),
        }
    }
}

/// The wish that a run ends, with its reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancellation {
    token: CancellationToken,
    reason: Arc<OnceLock<CancelReason>>,
}

impl Cancellation {
    /// Tells the run to stop; the first reason counts.
    pub(super) fn cancel(&self, reason: CancelReason) {
        // The second of two reasons changes nothing.
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    pub(super) fn reason(&self) -> Option<CancelReason> {
        self.reason.get().copied()
    }

    pub(super) async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

impl Context {
    pub(super) fn of_run(queue: Queue, run: &Run, cancellation: Cancellation, logs: JobLogs, bell: Arc<Bell>) -> Self {
        let count = |number: i32| u32::try_from(number).unwrap_or_default();
        Self(Arc::new(Inner {
            id: run.id,
            job: run.job.clone(),
            queue_name: run.queue.clone(),
            attempt: count(run.attempt),
            failures: count(run.failures),
            retries: count(run.retries),
            enqueued_at: run.enqueued_at,
            slot: run.slot,
            metadata: run.metadata.clone(),
            cancellation,
            queue: Some(queue),
            run: Some(run.clone()),
            telling: Some(Telling::of(run, logs, bell)),
            completed: AtomicBool::new(false),
        }))
    }

    /// A context that belongs to no run, for unit tests of a job's function.
    ///
    /// It is the first attempt of a new id and is never cancelled;
    /// [`complete_in`](Self::complete_in) only checks the output.
    ///
    /// ```
    /// assert_eq!(plain_worker::Context::detached().attempt(), 1);
    /// ```
    #[must_use]
    pub fn detached() -> Self {
        Self(Arc::new(Inner::detached()))
    }

    /// The context of a run without a row; it completes nothing, but may enqueue more.
    #[cfg(feature = "cli")]
    pub(super) fn here(queue: Queue, definition: &crate::job::JobDef) -> Self {
        Self(Arc::new(Inner {
            job: definition.name.to_owned(),
            queue_name: definition.options.queue.to_owned(),
            retries: definition.options.retries,
            queue: Some(queue),
            ..Inner::detached()
        }))
    }

    /// The job's id, one through all its attempts.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// The job's name.
    #[must_use]
    pub fn job(&self) -> &str {
        &self.0.job
    }

    /// The queue that the job was enqueued in.
    #[must_use]
    pub fn queue_name(&self) -> &str {
        &self.0.queue_name
    }

    /// The number of this attempt: 1, 2, …
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// How many attempts have failed before this one.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.0.failures
    }

    /// How often the job may run again after failing, this attempt's failure not counted.
    #[must_use]
    pub fn retries_left(&self) -> u32 {
        self.0.retries.saturating_sub(self.0.failures)
    }

    /// When the job was enqueued, by the database's clock.
    #[must_use]
    pub fn enqueued_at(&self) -> DateTime<Utc> {
        self.0.enqueued_at
    }

    /// The slot of the schedule that enqueued the job, if one did.
    #[must_use]
    pub fn slot(&self) -> Option<DateTime<Utc>> {
        self.0.slot
    }

    /// The metadata given at the enqueue; `None` when there was none.
    ///
    /// # Errors
    /// What serde says when the metadata is of another type.
    pub fn metadata<T: DeserializeOwned>(&self) -> serde_json::Result<Option<T>> {
        self.0.metadata.as_deref().map(serde_json::from_str).transpose()
    }

    /// The queue that this job runs from, to enqueue more; none when detached.
    #[must_use]
    pub fn queue(&self) -> Option<&Queue> {
        self.0.queue.as_ref()
    }

    /// Waits until the job is told to stop.
    ///
    /// An async job is dropped 5 s after a cancellation, at the end of the
    /// grace period at a shutdown, and at once at its timeout.
    pub async fn cancelled(&self) {
        self.0.cancellation.cancelled().await;
    }

    /// Whether the job was told to stop, for plain functions, which nothing can stop from outside.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel_reason().is_some()
    }

    /// Why the job was told to stop; `None` while it was not.
    #[must_use]
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        self.0.cancellation.reason()
    }

    /// Says how far the job is, from 0 to 1, and what it does at the moment; `show ID` and the pages show it.
    ///
    /// As cheap as setting a variable: the last of what was said is written down once a second at most. The next attempt
    /// starts without.
    ///
    /// ```
    /// # use plain_worker::{Context, job};
    /// #[job]
    /// async fn import(#[inject] ctx: Context, pages: u32) {
    ///     for page in 0..pages {
    ///         ctx.progress(f64::from(page) / f64::from(pages), format!("page {page} of {pages}"));
    ///     }
    /// }
    /// ```
    pub fn progress(&self, fraction: f64, note: impl Into<String>) {
        if let (Some(telling), Some(progress)) = (&self.0.telling, Progress::new(fraction, note.into())) {
            telling.progress(self, progress);
        }
    }

    /// Keeps a line with this attempt of the job, at level `INFO`; see [`logs`](crate::logs).
    ///
    /// Where nothing is stored of the run it is an event of `tracing` instead.
    pub fn log(&self, line: impl std::fmt::Display) {
        match &self.0.telling {
            Some(telling) if telling.keeps(tracing::Level::INFO) => {
                self.tell(tracing::Level::INFO, None, line.to_string());
            }
            Some(_) => {}
            None => tracing::info!(id = %self.0.id, "{line}"),
        }
    }

    /// How long the job waited after it was due; none where nothing is stored of the run.
    pub(super) fn waited(&self) -> Option<Duration> {
        let run = self.0.run.as_ref()?;
        Some((run.started_at - run.due_at).to_std().unwrap_or_default())
    }

    pub(super) fn telling(&self) -> Option<&Telling> {
        self.0.telling.as_ref()
    }

    /// Whether any line is kept.
    pub(super) fn keeps_logs(&self) -> bool {
        self.telling().is_some_and(Telling::keeps_logs)
    }

    /// Whether lines of this level are kept.
    #[cfg(feature = "logs")]
    pub(super) fn keeps(&self, level: tracing::Level) -> bool {
        self.telling().is_some_and(|telling| telling.keeps(level))
    }

    /// Keeps a line.
    pub(super) fn tell(&self, level: tracing::Level, target: Option<&str>, message: String) {
        if let Some(telling) = self.telling() {
            telling.line(self, level, target, message);
        }
    }

    /// The log of the run, if there is something in it that is not written yet.
    pub(super) fn log_to_write(&self) -> Option<NewLog> {
        self.telling()?.log()
    }

    /// Ends this job inside the caller's own transaction, so that its writes and its completion are
    /// committed together, or neither is.
    ///
    /// Return `Ok` with the same output afterwards. When the transaction is
    /// rolled back instead, the attempt counts as failed.
    ///
    /// # Errors
    /// [`Error::TakenOver`] when another worker holds this job now: the
    /// transaction must be rolled back. [`Error::Refused`] when the output
    /// cannot be stored.
    ///
    /// ```no_run
    /// # #[cfg(feature = "postgres")] mod example {
    /// # use plain_worker::{BoxError, Context, job};
    /// #[job]
    /// async fn charge(#[inject] ctx: Context, #[inject] db: sqlx::PgPool, order: i64) -> Result<(), BoxError> {
    ///     let mut tx = db.begin().await?;
    ///     sqlx::query("UPDATE orders SET paid = true WHERE id = $1").bind(order).execute(&mut *tx).await?;
    ///     ctx.complete_in(&mut tx, &()).await?;
    ///     tx.commit().await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub async fn complete_in<'c, C: Completion<'c>, T: Serialize + ?Sized>(
        &self,
        transaction: C,
        output: &T,
    ) -> Result<()> {
        let output = payload::to_json(output).map_err(|reason| Refused::Arguments {
            job: self.0.job.clone(),
            reason: format!("its output: {reason}"),
        })?;
        let (Some(queue), Some(run)) = (&self.0.queue, &self.0.run) else { return Ok(()) };
        let end = outcome::success(run, (output != "null").then_some(output));
        if transaction.complete(queue.clone(), Ending(end)).await? {
            self.0.completed.store(true, Ordering::Release);
            Ok(())
        } else {
            self.0.cancellation.cancel(CancelReason::TakenOver);
            Err(Error::TakenOver { id: self.0.id })
        }
    }

    /// Whether the job has ended itself in a transaction, which may be open or rolled back.
    pub(super) fn completed_itself(&self) -> bool {
        self.0.completed.load(Ordering::Acquire)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("id", &self.0.id)
            .field("job", &self.0.job)
            .field("attempt", &self.0.attempt)
            .finish_non_exhaustive()
    }
}

impl Inject for Context {
    fn check(_: &States) -> Result<(), MissingState> {
        Ok(())
    }

    fn inject(scope: &Scope) -> Result<Self, MissingState> {
        scope.get().ok_or(MissingState { type_name: "plain_worker::Context" })
    }
}
