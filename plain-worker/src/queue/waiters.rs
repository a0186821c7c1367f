//! All handles of a queue that wait for the end of their job: one poller for all of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::Queue;
use crate::error::{Error, Result};
use crate::record::{Ended, JobId};

/// The first wait between two looks; it grows by half each time.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest wait between two looks.
const LONGEST: Duration = Duration::from_secs(1);

type Answer = oneshot::Sender<Result<Ended>>;

/// Who waits for which job.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: Mutex<Waiting>,
    look: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    by_id: HashMap<JobId, Vec<Answer>>,
    polled: bool,
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing is left half-done under the lock, so a poisoned one is as good as new.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some jobs ended in this process: look at once if any of them is waited for.
    pub(super) fn ended(&self, ids: impl IntoIterator<Item = JobId>) {
        let waiting = self.lock();
        if !waiting.by_id.is_empty() && ids.into_iter().any(|id| waiting.by_id.contains_key(&id)) {
            self.look.notify_one();
        }
    }

    /// Waits for the end of a job; the first caller starts the poller.
    pub(super) async fn wait(queue: &Queue, id: JobId) -> Result<Ended> {
        let (answer, answered) = oneshot::channel();
        let first = {
            let mut waiting = queue.waiters().lock();
            waiting.by_id.entry(id).or_default().push(answer);
            !std::mem::replace(&mut waiting.polled, true)
        };
        if first {
            let queue = queue.clone();
            queue.runtime()?.spawn(async move { poll(&queue).await });
        } else {
            queue.waiters().look.notify_one();
        }
        answered
            .await
            .unwrap_or_else(|_| Err(Error::Setting("the runtime of the queue ended before the job did".to_owned())))
    }

    /// The ids that are still waited for; none ends the poller.
    fn ids(&self) -> Vec<JobId> {
        let mut waiting = self.lock();
        waiting.by_id.retain(|_, answers| {
            answers.retain(|answer| !answer.is_closed());
            !answers.is_empty()
        });
        waiting.polled = !waiting.by_id.is_empty();
        waiting.by_id.keys().copied().collect()
    }

    fn answer(&self, id: JobId, answer: impl Fn() -> Result<Ended>) {
        for waiter in self.lock().by_id.remove(&id).unwrap_or_default() {
            // One that gave up meanwhile needs no answer.
            let _ = waiter.send(answer());
        }
    }
}

/// Asks for all awaited jobs in one query, again and again, until nobody waits.
async fn poll(queue: &Queue) {
    let waiters = queue.waiters();
    let mut pause = SHORTEST;
    loop {
        let ids = waiters.ids();
        if ids.is_empty() {
            return;
        }
        match queue.outlook(ids.clone()).await {
            Ok(found) => {
                let mut found: HashMap<_, _> = found.into_iter().collect();
                for id in ids {
                    match found.remove(&id) {
                        Some(Some(ended)) => waiters.answer(id, || Ok(ended.clone())),
                        Some(None) => {}
                        None => waiters.answer(id, || Err(Error::NoSuchJob { id, database: queue.describe() })),
                    }
                }
            }
            // An outage is waited out: the job goes on, and so does its handle.
            Err(error) if error.is_transient() => tracing::debug!(%error, "could not ask for the end of jobs"),
            Err(error) => {
                let text = error.to_string();
                for id in ids {
                    waiters.answer(id, || Err(Error::Setting(text.clone())));
                }
            }
        }
        tokio::select! {
            () = waiters.look.notified() => pause = SHORTEST,
            () = tokio::time::sleep(pause) => pause = (pause * 3 / 2).min(LONGEST),
        }
    }
}
