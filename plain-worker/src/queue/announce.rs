//! Announcements to sleeping workers, debounced: one statement for all of some milliseconds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Queue;

/// How long further announcements are collected after one was sent.
const QUIET: Duration = Duration::from_millis(5);

/// What is to be announced, and whether somebody is at it.
#[derive(Debug, Default)]
pub(super) struct Announcer {
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    /// An empty name stands for all queues.
    queues: BTreeSet<String>,
    sending: bool,
}

impl Announcer {
    /// Adds these queues to the next announcement; none named means all.
    ///
    /// The first of a burst is sent at once. A hint that gets lost costs at
    /// most the time to the workers' next look, so failures are only logged.
    pub(super) fn announce(&self, queue: &Queue, queues: Vec<String>) {
        let first = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if queues.is_empty() {
                pending.queues.insert(String::new());
            }
            pending.queues.extend(queues);
            !std::mem::replace(&mut pending.sending, true)
        };
        let Ok(runtime) = queue.runtime() else { return };
        if first {
            let queue = queue.clone();
            runtime.spawn(async move {
                while let Some(queues) = queue.0.announcer.take() {
                    let store = Arc::clone(&queue.0.store);
                    if let Err(error) = store.announce(queues).await {
                        tracing::debug!(%error, "workers elsewhere were not woken; they look by themselves within a second");
                    }
                    tokio::time::sleep(QUIET).await;
                }
            });
        }
    }

    /// What has come together; none ends the sender.
    fn take(&self) -> Option<Vec<String>> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let queues: Vec<_> = std::mem::take(&mut pending.queues).into_iter().collect();
        pending.sending = !queues.is_empty();
        pending.sending.then_some(queues)
    }
}
