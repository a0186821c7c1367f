//! Writes the ends of runs, many at a time, and again until the database has them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc};

use super::backoff::Reconnect;
use super::hooks::{EndedJob, Hooks};
use super::running::Running;
use super::telling::write_logs;
use crate::error::Error;
use crate::queue::Queue;
use crate::record::{Finish, Next, RunToken};
use crate::telling::NewLog;

/// What is due again within that time is not left to the next look for due jobs.
const SOON: Duration = Duration::from_secs(2);
/// How many ends one statement writes at most.
const BATCH: usize = 500;

/// So many are written without waiting for more.
const ENOUGH: usize = 100;
/// How long an end waits for others while many are under way.
const GATHER: Duration = Duration::from_millis(1);

/// The end of a run, with the credit that it takes up until it is recorded.
pub(super) struct ToRecord {
    pub(super) finish: Finish,
    /// What the hooks are told once it is recorded.
    pub(super) told: Option<EndedJob>,
    /// What the run logged, as far as it is not written yet.
    pub(super) log: Option<NewLog>,
    pub(super) credit: OwnedSemaphorePermit,
}

/// How many statements write ends at the same time at most.
const WRITERS: usize = 2;

/// Records what comes in until all senders are gone.
///
/// While batches are being written the next one comes together, so a busy
/// worker writes large batches and an idle one writes at once.
pub(super) async fn record_ends(
    queue: Queue,
    ends: mpsc::UnboundedReceiver<ToRecord>,
    running: Arc<Running>,
    hooks: Hooks,
) {
    let ends = Mutex::new(ends);
    let writers = (0..WRITERS.min(queue.store().writers())).map(|_| async {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            gather(&mut *ends.lock().await, &mut batch, &running).await;
            if batch.is_empty() {
                return;
            }
            let mut told = HashMap::new();
            let mut logs = Vec::new();
            let (finishes, credit): (Vec<_>, Vec<_>) = batch
                .drain(..)
                .map(|end| {
                    logs.extend(end.log);
                    told.extend(end.told.map(|job| (end.finish.token, job)));
                    (end.finish, end.credit)
                })
                .unzip();
            let tell = |recorded: &[RunToken]| {
                recorded.iter().filter_map(|token| told.remove(token)).for_each(|job| hooks.tell(job));
            };
            // Before the ends, so that who waits for one finds its log.
            write_logs(&queue, logs).await;
            record(&queue, finishes, &running, tell).await;
            drop(credit);
        }
    });
    futures_util::future::join_all(writers).await;
}

/// Takes ends together; none when all senders are gone.
async fn gather(ends: &mut mpsc::UnboundedReceiver<ToRecord>, batch: &mut Vec<ToRecord>, running: &Running) {
    ends.recv_many(batch, BATCH).await;
    if !batch.is_empty() && batch.len() < ENOUGH && running.count() > batch.len() {
        tokio::time::sleep(GATHER).await;
        while batch.len() < BATCH
            && let Ok(end) = ends.try_recv()
        {
            batch.push(end);
        }
    }
}

/// Writes a batch; what the database refuses is tried one by one, so that one bad end harms no other.
///
/// `tell` hears of what was recorded before its runs count as ended, so that a stop waits for the hooks.
async fn record(queue: &Queue, finishes: Vec<Finish>, running: &Running, mut tell: impl FnMut(&[RunToken])) {
    let mut waiting = vec![finishes];
    while let Some(finishes) = waiting.pop() {
        let batch: Arc<[Finish]> = finishes.into();
        match write_until_done(queue, &batch).await {
            Ok(recorded) => {
                tell(&recorded);
                running.all_ended(batch.iter().map(|finish| finish.token));
                let recorded: HashSet<_> = recorded.into_iter().collect();
                for finish in batch.iter() {
                    if !recorded.contains(&finish.token) && finish.record.is_some() {
                        tracing::warn!(id = %finish.id, "the run was taken over or completed itself; its end is not recorded here");
                    }
                }
                if batch.iter().any(|finish| finish.is_due_within(SOON)) {
                    running.soon.notify_one();
                }
                let ended = batch.iter().filter(|finish| matches!(finish.next, Next::End(_)));
                queue.note_ended(ended.map(|finish| finish.id));
            }
            Err(error) if batch.len() > 1 => {
                tracing::debug!(%error, "a batch of ends was refused; each is written by itself");
                waiting.extend(batch.iter().map(|finish| vec![finish.clone()]));
            }
            Err(error) => {
                let Some(finish) = batch.first() else { continue };
                tracing::error!(id = %finish.id, %error, "the end of a job was refused");
                match without_texts(finish, &error) {
                    Some(plain) => waiting.push(vec![plain]),
                    // Its row stays with this worker until that stops; then it is rescued.
                    None => running.ended(finish.token),
                }
            }
        }
    }
}

/// Tries until the database answers; an outage is waited out.
async fn write_until_done(queue: &Queue, batch: &Arc<[Finish]>) -> Result<Vec<i64>, Error> {
    let mut pause = Reconnect::new();
    loop {
        let ends = Arc::clone(batch);
        match queue.ask(move |store| async move { store.finish(ends).await }).await {
            Err(error) if error.is_transient() => {
                let wait = pause.next();
                tracing::warn!(%error, ends = batch.len(), ?wait, "the ends of jobs could not be recorded; trying again");
                tokio::time::sleep(wait).await;
            }
            answer => return answer,
        }
    }
}

/// The same end with the database's refusal instead of the texts that it may be about; `None` the second time.
fn without_texts(finish: &Finish, error: &Error) -> Option<Finish> {
    const MARK: &str = "the end of this attempt could not be recorded as it was: ";
    let mut plain = finish.clone();
    let record = plain.record.as_mut()?;
    if record.error.as_deref().is_some_and(|text| text.starts_with(MARK)) {
        return None;
    }
    let reason: String = error.to_string().chars().filter(|c| !c.is_control()).take(500).collect();
    record.error = Some(format!("{MARK}{reason}"));
    record.output = None;
    if let Next::Again(again) = &mut plain.next {
        again.note = None;
    }
    Some(plain)
}

/// How long the last batch may take when the worker stops.
pub(super) const LAST_WRITE: Duration = Duration::from_millis(700);
