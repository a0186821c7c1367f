//! Concurrent enqueues of one process, put in together: each still waits for its own commit, and an error in one never
//! fails another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Queue, STATEMENT_LIMIT};
use crate::error::{Error, Result};
use crate::record::{Inserted, NewRequest};

/// How many requests one statement puts in at most.
const MOST: usize = 500;
/// How many bytes of arguments, so that one large request does not hold up many.
const MOST_BYTES: usize = 1024 * 1024;

/// A request, and who waits for it.
struct Waiting {
    request: NewRequest,
    answer: oneshot::Sender<Result<Inserted>>,
}

/// The requests that wait to be put in.
#[derive(Default)]
pub(super) struct Gatherer {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    writers: usize,
}

impl Gatherer {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Single calls on a list and a number: nothing is half-done when a thread dies.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one request in, with those that are enqueued in the same moment.
    pub(super) async fn insert(queue: &Queue, request: NewRequest) -> Result<Inserted> {
        let (answer, answered) = oneshot::channel();
        let runtime = queue.runtime()?;
        let starts = {
            let mut state = queue.0.gatherer.lock();
            state.waiting.push(Waiting { request, answer });
            let starts = state.writers < queue.0.store.writers();
            state.writers += usize::from(starts);
            starts
        };
        if starts {
            let writer = Writer { queue: queue.clone(), counted: true };
            runtime.spawn(async move { writer.write().await });
        }
        match tokio::time::timeout(STATEMENT_LIMIT, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(gone)) => {
                Err(Error::Unavailable { doing: "use a queue whose runtime has ended", source: gone.into() })
            }
            Err(late) => Err(Error::Unavailable { doing: "get an answer in time", source: late.into() }),
        }
    }

    /// What one statement puts in; nothing ends the writer.
    fn take(&self) -> Vec<Waiting> {
        let mut state = self.lock();
        let mut bytes = 0;
        let fits = state.waiting.iter().take(MOST).take_while(|waiting| {
            bytes += waiting.request.arguments.len();
            bytes <= MOST_BYTES
        });
        let fits = fits.count().max(1).min(state.waiting.len());
        if fits == 0 {
            state.writers -= 1;
        }
        state.waiting.drain(..fits).collect()
    }
}

/// One that writes; counted until it finds nothing more, or its runtime ends under it.
struct Writer {
    queue: Queue,
    counted: bool,
}

impl Writer {
    async fn write(mut self) {
        loop {
            let waiting = self.queue.0.gatherer.take();
            if waiting.is_empty() {
                self.counted = false;
                return;
            }
            let (requests, answers): (Vec<_>, Vec<_>) =
                waiting.into_iter().map(|waiting| (waiting.request, waiting.answer)).unzip();
            let requests: Arc<[NewRequest]> = requests.into();
            match self.queue.insert_until_known(Arc::clone(&requests), false).await {
                Ok(inserted) => {
                    for (inserted, answer) in inserted.into_iter().zip(answers) {
                        // Who was dropped meanwhile does not listen.
                        let _ = answer.send(Ok(inserted));
                    }
                }
                Err(error) => self.answer_singly(error, &requests, answers).await,
            }
            // Who has an answer now may enqueue the next at once: together with the others.
            tokio::task::yield_now().await;
        }
    }

    /// Puts each in by itself; the statement that failed may have put in all of them, or none.
    async fn answer_singly(
        &self,
        error: Error,
        requests: &[NewRequest],
        answers: Vec<oneshot::Sender<Result<Inserted>>>,
    ) {
        let mut error = (requests.len() == 1).then_some(error);
        for (request, answer) in requests.iter().zip(answers) {
            let inserted = match error.take() {
                Some(error) => Err(error),
                None => self.queue.insert_until_known([request.clone()].into(), true).await,
            };
            let nothing = || Error::Row { table: "job_requests", reason: "an insert answered nothing".to_owned() };
            // As above.
            let _ = answer.send(inserted.and_then(|inserted| inserted.first().copied().ok_or_else(nothing)));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.counted {
            let mut state = self.queue.0.gatherer.lock();
            state.writers -= 1;
            // Nobody will come for them: who waits is told so.
            state.waiting.clear();
        }
    }
}
