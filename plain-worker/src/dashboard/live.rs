//! Figures pushed to the pages: one look at the database every two seconds, however many browsers watch.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::state::State;
use crate::monitor::Depth;
use crate::queue::Queue;
use crate::status::JobState;

const ROUND: Duration = Duration::from_secs(2);
/// More pages than any team opens; each costs a socket and nothing else.
const MOST_WATCHERS: usize = 2_000;

/// Figures by the names under which pages show them.
pub(super) type Figures = BTreeMap<String, String>;

pub(super) struct Live {
    queue: Queue,
    figures: watch::Sender<Arc<str>>,
    watchers: Arc<AtomicUsize>,
}

/// One page that watches.
struct Watcher(Arc<AtomicUsize>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Live {
    pub(super) fn new(queue: Queue) -> Self {
        Self { queue, figures: watch::Sender::new("{}".into()), watchers: Arc::default() }
    }

    /// Another page; the first one starts the looking, which ends with the last.
    fn watch(&self) -> Option<(Watcher, watch::Receiver<Arc<str>>)> {
        let before = self.watchers.fetch_add(1, Ordering::SeqCst);
        let watcher = Watcher(Arc::clone(&self.watchers));
        if before >= MOST_WATCHERS {
            return None;
        }
        if before == 0 {
            tokio::spawn(look(self.queue.clone(), self.figures.clone(), Arc::clone(&self.watchers)));
        }
        let mut receiver = self.figures.subscribe();
        receiver.mark_changed();
        Some((watcher, receiver))
    }
}

async fn look(queue: Queue, figures: watch::Sender<Arc<str>>, watchers: Arc<AtomicUsize>) {
    while watchers.load(Ordering::SeqCst) > 0 {
        match figures_of(&queue).await {
            Ok(now) => {
                let text: Arc<str> = serde_json::to_string(&now).unwrap_or_default().into();
                figures.send_if_modified(|last| {
                    let changed = *last != text;
                    *last = text;
                    changed
                });
            }
            Err(error) => tracing::debug!(%error, "no figures for the pages"),
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// The figures of this moment.
pub(super) async fn figures_of(queue: &Queue) -> crate::Result<Figures> {
    let (depths, workers) = (queue.depths().await?, queue.workers().await?);
    let mut figures = Figures::new();
    let mut totals: BTreeMap<JobState, u64> = BTreeMap::new();
    for depth in &depths {
        *totals.entry(depth.state).or_default() += depth.count;
        figures.insert(format!("queue.{}.{}", depth.queue, depth.state), bounded(depth.count));
    }
    for state in [JobState::Ready, JobState::Scheduled, JobState::Retrying, JobState::Parked, JobState::Running] {
        figures.insert(format!("state.{state}"), bounded(totals.get(&state).copied().unwrap_or_default()));
    }
    let alive = workers.iter().filter(|worker| worker.alive);
    figures.insert("workers.alive".to_owned(), alive.clone().count().to_string());
    figures.insert("workers.slots".to_owned(), alive.map(|worker| worker.concurrency).sum::<i64>().to_string());
    for worker in &workers {
        figures.insert(format!("worker.{}.running", worker.id), worker.running.to_string());
    }
    Ok(figures)
}

/// A count as it may be shown: what reached the bound may be more.
pub(super) fn bounded(count: u64) -> String {
    let text = super::words::grouped(count);
    if count >= Depth::BOUND { format!("{text}+") } else { text }
}

pub(super) async fn stream(Shared(state): Shared<State>) -> Response {
    let Some((watcher, receiver)) = state.live().watch() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages watch already\n").into_response();
    };
    // A reader that stops reading leaves nothing behind but the newest figures.
    let events = stream::unfold((watcher, receiver), |(watcher, mut receiver)| async move {
        receiver.changed().await.ok()?;
        let text = receiver.borrow_and_update().to_string();
        Some((Ok::<_, Infallible>(Event::default().data(text)), (watcher, receiver)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}
