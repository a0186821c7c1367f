//! The jobs by name: what they are, how often and how long they run, how they fail.

mod detail;
mod form;

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Query, State as Shared};
use maud::html;
use serde::Serialize;

pub(in crate::dashboard) use detail::{enqueue, page as one};

use super::super::auth::Action;
use super::super::guard::Visit;
use super::super::layout::{Page, empty, html_answer, page as frame};
use super::super::state::State;
use super::super::{json, words};
use super::queues::pause_button;
use super::{Asked, escaped};
use crate::monitor::{RateKind, RateQuery, percentile};
use crate::pause::PauseTarget;
use crate::registry::Registry;

#[derive(Debug, Default, Serialize)]
struct Line {
    place: Option<String>,
    arguments: Vec<String>,
    known_to_workers: usize,
    ended: u64,
    failed: u64,
    p50_us: Option<i64>,
    p95_us: Option<i64>,
    p99_us: Option<i64>,
    #[serde(skip)]
    buckets: Vec<(usize, u64)>,
}

pub(in crate::dashboard) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    let queue = state.queue();
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    if let Ok(registry) = Registry::of_program() {
        for job in registry.jobs() {
            let arguments = job.arguments.iter().map(|a| format!("{}: {}", a.name, a.type_text)).collect();
            lines.insert(job.name.to_owned(), Line { place: Some(job.place()), arguments, ..Line::default() });
        }
    }
    for worker in queue.workers().await?.iter().filter(|worker| worker.alive) {
        for name in worker.knows.keys() {
            lines.entry(name.clone()).or_default().known_to_workers += 1;
        }
    }
    for rate in queue.rates(RateQuery::last(86_400).by_name()).await? {
        if rate.kind != RateKind::Wait {
            let line = lines.entry(rate.job).or_default();
            line.ended += rate.count;
            line.failed += if matches!(rate.kind, RateKind::Dead | RateKind::Failed) { rate.count } else { 0 };
            line.buckets.push((rate.bucket, rate.count));
        }
    }
    for line in lines.values_mut() {
        let at = |share| percentile(line.buckets.iter().copied(), share);
        (line.p50_us, line.p95_us, line.p99_us) = (at(0.5), at(0.95), at(0.99));
    }
    if asked.json() {
        return Ok(json::answer(&serde_json::json!({ "functions": lines })));
    }
    let pauses = queue.pauses().await?;
    let time = |micros: Option<i64>| {
        micros.map_or_else(|| "–".to_owned(), |micros| format!("<\u{a0}{}", words::short(micros)))
    };
    let body = html! {
        h1 { "Functions" small { "ends of the last 24 hours" } }
        section .panel {
            @if lines.is_empty() {
                (empty("No job is known here.", html! { "Write " code { "#[job]" } " above a function, and start a worker that knows it." }))
            } @else {
                div .scroll { table {
                    thead { tr { th { "Job" } th .num { "Ended" } th .num { "Failed" } th .num { "p50" } th .num { "p95" } th .num .phone-off { "p99" } th .num { "Workers" } th {} } }
                    tbody {
                        @for (name, line) in &lines {
                            @let target = PauseTarget::job(name);
                            @let pause = pauses.iter().find(|pause| pause.target == target);
                            tr data-href=(link(&visit.base, name)) {
                                td .wide {
                                    a href=(link(&visit.base, name)) { (words::cut(name, 60)) }
                                    span .under .mono { @if pause.is_some() { "paused · " } "(" (words::cut(&line.arguments.join(", "), 80)) ")" @if let Some(place) = &line.place { " · " (place) } }
                                }
                                td .num { (words::grouped(line.ended)) }
                                td .num .dead[line.failed > 0] { (words::grouped(line.failed)) }
                                td .num { (time(line.p50_us)) } td .num { (time(line.p95_us)) } td .num .phone-off { (time(line.p99_us)) }
                                td .num { (line.known_to_workers) }
                                td .num { @if visit.may(Action::Pause) { (pause_button(&visit, &target, pause, name)) } }
                            }
                        }
                    }
                } }
            }
        }
    };
    Ok(html_answer(frame(&visit, "/functions", "Functions", body)))
}

/// The path of a function's own page.
pub(in crate::dashboard) fn link(base: &str, name: &str) -> String {
    format!("{base}/functions/{}", escaped(name).replace('+', "%20"))
}
