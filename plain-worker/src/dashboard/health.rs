//! For machines: whether it lives, whether it can work, and the figures.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::layout::Trouble;
use super::state::State;
use crate::monitor::{RATE_BOUNDS, Rate, RateKind, RateQuery};
use crate::queue::Queue;

pub(super) async fn alive() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(Shared(state): Shared<State>) -> Response {
    match state.queue().ping().await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            // The text names the database: it goes to the log, not to whoever asks.
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer as it must\n").into_response()
        }
    }
}

pub(super) async fn metrics(Shared(state): Shared<State>) -> Result<Response, Trouble> {
    let text = prometheus(state.queue()).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// A value of a label.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The figures of a queue in Prometheus' text format.
///
/// Ends are counted over the last 24 hours from the same sums as the pages'
/// charts, so that all processes say the same: gauges, not counters.
async fn prometheus(queue: &Queue) -> crate::Result<String> {
    let (depths, workers) = (queue.depths().await?, queue.workers().await?);
    let rates = queue.rates(RateQuery::last(86_400).by_name()).await?;
    let now = queue.now().await?;
    let mut text = String::new();
    let mut head = |text: &mut String, name: &str, kind: &str, help: &str| {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(text, "# HELP plain_worker_{name} {help}\n# TYPE plain_worker_{name} {kind}");
    };
    head(&mut text, "jobs", "gauge", "Jobs that wait or run, counted up to 10000.");
    for depth in &depths {
        let (queue, state, count) = (label(&depth.queue), depth.state, depth.count);
        let _ = writeln!(text, "plain_worker_jobs{{queue=\"{queue}\",state=\"{state}\"}} {count}");
    }
    head(&mut text, "oldest_ready_seconds", "gauge", "For how long the oldest ready job of a queue is due.");
    for depth in depths.iter().filter(|depth| depth.state == crate::JobState::Ready) {
        let age = depth.oldest.map_or(0, |at| (now - at).num_seconds().max(0));
        let _ = writeln!(text, "plain_worker_oldest_ready_seconds{{queue=\"{}\"}} {age}", label(&depth.queue));
    }
    head(&mut text, "workers", "gauge", "Workers with a row, by whether they live.");
    let alive = workers.iter().filter(|worker| worker.alive).count();
    let _ = writeln!(text, "plain_worker_workers{{alive=\"true\"}} {alive}");
    let _ = writeln!(text, "plain_worker_workers{{alive=\"false\"}} {}", workers.len() - alive);
    head(&mut text, "slots", "gauge", "Jobs that live workers can run at once.");
    let slots: i64 = workers.iter().filter(|worker| worker.alive).map(|worker| worker.concurrency).sum();
    let _ = writeln!(text, "plain_worker_slots {slots}");

    head(&mut text, "ended_last_day", "gauge", "Attempts that ended within 24 hours, by how.");
    let mut ended: BTreeMap<(&str, &str, String), u64> = BTreeMap::new();
    for rate in rates.iter().filter(|rate| rate.kind != RateKind::Wait) {
        let outcome = match &rate.kind {
            RateKind::Other(name) => name.clone(),
            kind => format!("{kind:?}").to_lowercase(),
        };
        *ended.entry((&rate.queue, &rate.job, outcome)).or_default() += rate.count;
    }
    for ((queue, job, outcome), count) in ended {
        let _ = writeln!(
            text,
            "plain_worker_ended_last_day{{queue=\"{}\",job=\"{}\",outcome=\"{outcome}\"}} {count}",
            label(queue),
            label(job)
        );
    }
    histogram(&mut text, "wait_seconds_last_day", "Time from due to start within 24 hours.", &rates, true, &mut head);
    histogram(&mut text, "run_seconds_last_day", "Run time of attempts within 24 hours.", &rates, false, &mut head);
    Ok(text)
}

#[allow(clippy::cast_precision_loss, reason = "seconds of figures")]
fn histogram(
    text: &mut String,
    name: &str,
    help: &str,
    rates: &[Rate],
    waits: bool,
    head: &mut impl FnMut(&mut String, &str, &str, &str),
) {
    head(text, name, "histogram", help);
    let mut all: BTreeMap<(&str, &str), ([u64; RATE_BOUNDS.len() + 1], i64)> = BTreeMap::new();
    for rate in rates.iter().filter(|rate| (rate.kind == RateKind::Wait) == waits) {
        let (buckets, total) = all.entry((&rate.queue, &rate.job)).or_default();
        buckets[rate.bucket.min(RATE_BOUNDS.len())] += rate.count;
        *total += rate.total_us;
    }
    for ((queue, job), (buckets, total)) in all {
        let labels = format!("queue=\"{}\",job=\"{}\"", label(queue), label(job));
        let mut sum = 0;
        for (place, count) in buckets.iter().enumerate() {
            sum += count;
            let bound = RATE_BOUNDS.get(place).map_or_else(|| "+Inf".to_owned(), |&us| (us as f64 / 1e6).to_string());
            let _ = writeln!(text, "plain_worker_{name}_bucket{{{labels},le=\"{bound}\"}} {sum}");
        }
        let _ = writeln!(text, "plain_worker_{name}_sum{{{labels}}} {}", total as f64 / 1e6);
        let _ = writeln!(text, "plain_worker_{name}_count{{{labels}}} {sum}");
    }
}
