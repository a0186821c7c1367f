//! Runs one claim to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::command::{self, GuardProgram};
use super::context::{Cancellation, Context};
use super::logs;
use super::outcome::Ended;
use super::panics;
use super::running::Running;
use crate::job::{JobDef, PayloadError, RunEnd, Scope, Started, States};
use crate::queue::{Queue, scope};
use crate::record::Run;
use crate::status::CancelReason;

/// How long an async job that a person cancelled may take to end by itself.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// How long an async job may take to its next `await` until it counts as one that cannot be stopped.
const ABORT_LIMIT: Duration = Duration::from_millis(200);

/// What the job's own task or thread answers.
type Answer = Result<RunEnd, String>;

/// How much longer than its job the middleware around it may take when the worker stops.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// One claim on its way to its end, and all that it needs.
pub(super) struct Attempt<'a> {
    pub(super) queue: &'a Queue,
    pub(super) run: &'a Run,
    pub(super) definition: &'static JobDef,
    pub(super) states: &'a Arc<States>,
    pub(super) context: Context,
    pub(super) cancellation: &'a Cancellation,
    /// The runtime of async jobs.
    pub(super) jobs: &'a tokio::runtime::Handle,
    pub(super) running: &'a Running,
    /// The job's own task or thread, until it has really ended.
    pub(super) own: TaskTracker,
    /// Whether the process ends with the worker.
    pub(super) process_ends: bool,
    /// What runs commands; none on a worker that has none.
    pub(super) guard: Option<&'a GuardProgram>,
}

impl Attempt<'_> {
    /// Starts the run and waits for its end; never panics, whatever the job does.
    pub(super) async fn execute(&self) -> Ended {
        if let Some(command) = self.definition.command {
            return command::run(self, command).await;
        }
        execute(self).await
    }

    /// Waits until the job was ended from outside and what is around it has had its time, too.
    pub(super) async fn outstayed(&self) {
        self.running.kill.cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
        if !self.process_ends {
            self.own.close();
            self.own.wait().await;
        }
    }
}

/// An async job runs as a task of `jobs`, so that what it does to its own task
/// (blocking, panicking, never yielding) does not touch this one. A plain
/// function runs on a thread of its own, which nothing waits for at the end
/// of the process. Both are in the span that is current here.
async fn execute(attempt: &Attempt<'_>) -> Ended {
    let Attempt { queue, run, definition, states, context, jobs, .. } = attempt;
    let working = (attempt.running.working.token(), attempt.own.token());
    let mut own = States::default();
    own.insert(context.clone());
    let scope = Scope::new(Arc::clone(states), own);
    // Reading arguments calls code of the user's, as the job itself does.
    let started = match panics::caught(|| (definition.start)(&run.arguments, &scope)) {
        Ok(Ok(started)) => started,
        Ok(Err(PayloadError::Unreadable(reason))) => {
            return Ended::Corrupt(format!("the stored arguments cannot be read: {reason}"));
        }
        // Checked at start-up; it can only come from an `Inject` that changes its mind.
        Ok(Err(PayloadError::Missing(missing))) => return Ended::Panicked(missing.to_string()),
        Err(panic) => return Ended::Panicked(panic),
    };
    let ended = match started {
        Started::Async(future) => {
            let (answer, answered) = oneshot::channel();
            let work = async move {
                let _working = working;
                // Nobody listens any more when the run was ended from outside.
                let _ = answer.send(panics::caught_future(future).await);
            };
            let work = logs::within(context.keeps_logs().then(|| context.clone()), work);
            let work = scope::within(scope::current(), work);
            let task = jobs.spawn(work.instrument(Span::current()));
            watch(attempt, answered, Some(task.abort_handle())).await
        }
        Started::Blocking(call) => {
            let (answer, answered) = oneshot::channel();
            let thread = std::thread::Builder::new().name(format!("job {}", definition.name));
            let (span, scope) = (Span::current(), scope::current());
            let current = context.keeps_logs().then(|| context.clone());
            let spawned = thread.spawn(move || {
                let _working = working;
                // As above.
                let _ =
                    answer.send(span.in_scope(|| {
                        scope::within_sync(scope, || logs::within_sync(current, || panics::caught(call)))
                    }));
            });
            match spawned {
                Ok(_) => watch(attempt, answered, None).await,
                Err(error) => {
                    tracing::error!(%error, "no thread could be started for a job; it is handed back");
                    Ended::NotStarted
                }
            }
        }
    };
    if context.completed_itself() && matches!(ended, Ended::Returned(Ok(_), _)) {
        return completed(queue, run, ended).await;
    }
    ended
}

/// Waits for the answer, the timeout, or a wish that the run ends, whichever comes first.
///
/// What cannot be stopped (a plain function, a task that never yields) is
/// always waited for: it goes on and so does the run, whatever it was told.
/// Only the end of the process stops it.
async fn watch(attempt: &Attempt<'_>, mut answered: oneshot::Receiver<Answer>, task: Option<AbortHandle>) -> Ended {
    let &Attempt { run, cancellation, running: Running { kill, .. }, .. } = attempt;
    let timeout = async {
        match run.timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        answer = &mut answered => return returned(answer, cancellation),
        () = timeout => cancellation.cancel(CancelReason::Timeout),
        () = cancellation.cancelled() => {}
        // The worker was dropped.
        () = kill.cancelled() => cancellation.cancel(CancelReason::Shutdown),
    }
    let reason = cancellation.reason().unwrap_or(CancelReason::Cancelled);
    if let Some(task) = task {
        let grace = match reason {
            CancelReason::Timeout => Duration::ZERO,
            // The worker itself ends this wait when its grace period is over.
            CancelReason::Shutdown => Duration::MAX,
            CancelReason::Cancelled | CancelReason::TakenOver | CancelReason::CutOff => CANCEL_GRACE,
        };
        tokio::select! {
            biased;
            answer = &mut answered => return returned(answer, cancellation),
            () = tokio::time::sleep(grace) => {}
            () = kill.cancelled() => {}
        }
        task.abort();
        // It ends at its next `await`, and it may have ended in this very moment.
        if let Ok(answer) = tokio::time::timeout(ABORT_LIMIT, &mut answered).await {
            return answer.map_or(Ended::Stopped(reason, run.timeout), |answer| returned(Ok(answer), cancellation));
        }
    }
    tracing::warn!(id = %run.id, job = %run.job, "a job was told to stop and cannot be stopped; its slot stays taken");
    tokio::select! {
        biased;
        answer = answered => answer.map_or(Ended::Stopped(reason, run.timeout), |answer| returned(Ok(answer), cancellation)),
        // It ends with the process, in a moment.
        () = kill.cancelled(), if attempt.process_ends => Ended::Stopped(CancelReason::Shutdown, None),
    }
}

fn returned(answer: Result<Answer, oneshot::error::RecvError>, cancellation: &Cancellation) -> Ended {
    match answer {
        Ok(Ok(end)) => Ended::Returned(end, cancellation.reason()),
        Ok(Err(panic)) => Ended::Panicked(panic),
        // The task ended without an answer: its runtime was shut down under it.
        Err(_) => Ended::Stopped(CancelReason::Shutdown, None),
    }
}

/// A job that has ended itself in a transaction: its row is gone if that was committed.
async fn completed(queue: &Queue, run: &Run, ended: Ended) -> Ended {
    let (id, token) = (run.id, run.token);
    let held = queue
        .ask(move |store| async move {
            let ended = store.outlook(vec![id]).await?;
            Ok(!ended.iter().any(|(_, end)| end.is_some()))
        })
        .await;
    match held {
        Ok(true) => Ended::NotCommitted,
        Ok(false) => ended,
        Err(error) => {
            tracing::warn!(%id, token, %error, "could not see whether a job's own transaction was committed");
            // If it was, its row is gone, and an end that is fenced records nothing.
            Ended::NotCommitted
        }
    }
}
