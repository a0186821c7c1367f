//! What runs tell while they go on, and who writes it down: all of it together, at most once a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::context::Context;
use super::logs::Buffer;
use crate::queue::Queue;
use crate::record::Run;
use crate::telling::{JobLogs, LogLine, Mark, NewLog, Progress};

/// From one writing of progress to the next.
const EVERY: Duration = Duration::from_secs(1);
/// The same for the log of a run that goes on: it is written whole each time.
const LOGS_EVERY: Duration = Duration::from_secs(5);

/// What one run has told.
pub(super) struct Telling {
    run: (i64, crate::JobId, i32),
    limits: JobLogs,
    said: Mutex<Said>,
    /// Whether the bell has it.
    waits: AtomicBool,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Said {
    /// What is not written yet.
    progress: Option<Progress>,
    /// Made with the first line.
    log: Option<Box<Buffer>>,
    /// Whether there are lines that are not written yet.
    fresh: bool,
}

/// Where runs report that they have something to write.
#[derive(Default)]
pub(super) struct Bell {
    waiting: Mutex<Vec<Context>>,
    rung: Notify,
}

impl Telling {
    pub(super) fn of(run: &Run, limits: JobLogs, bell: Arc<Bell>) -> Self {
        let run = (run.token, run.id, run.attempt);
        Self { run, limits, said: Mutex::default(), waits: AtomicBool::new(false), bell }
    }

    pub(super) fn keeps(&self, level: Level) -> bool {
        self.limits.keep(level)
    }

    pub(super) fn keeps_logs(&self) -> bool {
        self.limits.level.is_some()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // Single assignments and pushes: nothing is half-done when a thread dies.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn progress(&self, of: &Context, progress: Progress) {
        self.said().progress = Some(progress);
        self.ring(of);
    }

    pub(super) fn line(&self, of: &Context, level: Level, target: Option<&str>, message: String) {
        let level = level.as_str().to_owned();
        let line = LogLine { at: Utc::now(), level, target: target.map(str::to_owned), message };
        {
            let mut said = self.said();
            said.log.get_or_insert_default().push(line, &self.limits);
            said.fresh = true;
        }
        self.ring(of);
    }

    fn ring(&self, of: &Context) {
        if !self.waits.swap(true, Ordering::AcqRel) {
            self.bell.lock().push(of.clone());
            self.bell.rung.notify_one();
        }
    }

    /// How far the run is, if it said so since the last time.
    fn mark(&self) -> Option<Mark> {
        self.said().progress.take().map(|progress| Mark { token: self.run.0, progress })
    }

    /// All that is kept of its log, if there is something new.
    pub(super) fn log(&self) -> Option<NewLog> {
        let mut said = self.said();
        let (token, id, attempt) = self.run;
        let log = said.log.as_ref().filter(|_| said.fresh)?;
        let log = NewLog { token, id, attempt, told: log.told(), lines: log.lines() };
        said.fresh = false;
        Some(log)
    }
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, Vec<Context>> {
        // As above.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what runs tell until the stop; what cannot be written is lost, and said again with the next.
    pub(super) async fn write_until_stopped(self: Arc<Self>, queue: Queue, stop: CancellationToken) {
        let mut later: Vec<Context> = Vec::new();
        let mut logs_due = Instant::now() + EVERY;
        loop {
            tokio::select! {
                () = self.rung.notified() => {}
                () = tokio::time::sleep_until(logs_due), if !later.is_empty() => {}
                () = stop.cancelled() => return,
            }
            let told = std::mem::take(&mut *self.lock());
            for telling in told.iter().filter_map(Context::telling) {
                // Before its words are taken, so that none falls in between.
                telling.waits.store(false, Ordering::Release);
            }
            let marks: Vec<Mark> = told.iter().filter_map(|run| run.telling()?.mark()).collect();
            if !marks.is_empty()
                && let Err(error) = queue.ask(move |store| async move { store.mark(marks).await }).await
            {
                tracing::debug!(%error, "the progress of jobs could not be written");
            }
            later.extend(told);
            if logs_due <= Instant::now() {
                let logs: Vec<NewLog> = later.drain(..).filter_map(|run| run.telling()?.log()).collect();
                write_logs(&queue, logs).await;
                logs_due = Instant::now() + LOGS_EVERY;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

/// Writes logs down, once: they are no reason to hold up anything else.
pub(super) async fn write_logs(queue: &Queue, logs: Vec<NewLog>) {
    if logs.is_empty() {
        return;
    }
    let runs = logs.len();
    if let Err(error) = queue.ask(move |store| async move { store.write_logs(logs).await }).await {
        tracing::warn!(%error, runs, "the log lines of jobs could not be written");
    }
}

impl std::fmt::Debug for Bell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bell").field("waiting", &self.lock().len()).finish_non_exhaustive()
    }
}
