//! The queues: how deep, how fast, who serves them.

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::{Query, State as Shared};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Serialize;

use super::super::auth::Action;
use super::super::guard::Visit;
use super::super::layout::{BLANK, Page, empty, html_answer, page as frame, token};
use super::super::live::bounded;
use super::super::state::State;
use super::super::{json, words};
use super::{Asked, jobs_link};
use crate::filter::quoted;
use crate::monitor::{Depth, Rate, RateKind, RateQuery, WorkerView, percentile};
use crate::pause::{Pause, PauseTarget};
use crate::queue::Queue;
use crate::status::JobState;

/// What a page says of a queue.
#[derive(Debug, Serialize)]
pub(in super::super) struct Line {
    pub(in super::super) name: String,
    pub(in super::super) waiting: BTreeMap<JobState, u64>,
    pub(in super::super) oldest_ready: Option<DateTime<Utc>>,
    pub(in super::super) ended_per_minute: f64,
    pub(in super::super) wait_p50_us: Option<i64>,
    pub(in super::super) wait_p95_us: Option<i64>,
    pub(in super::super) workers: usize,
    pub(in super::super) paused: Option<Pause>,
}

impl Line {
    fn count(&self, state: JobState) -> u64 {
        self.waiting.get(&state).copied().unwrap_or_default()
    }

    /// How long until nothing is ready any more, at the rate of the last minutes.
    fn minutes_to_empty(&self) -> Option<i64> {
        let ready = self.count(JobState::Ready);
        // Counts are bounded; a rate of nothing gives no time.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let minutes = (self.ended_per_minute > 0.0).then(|| (ready as f64 / self.ended_per_minute).ceil() as i64);
        minutes.filter(|_| ready > 0 && ready < Depth::BOUND)
    }
}

pub(in super::super) async fn lines(queue: &Queue) -> crate::Result<Vec<Line>> {
    let (depths, workers, pauses) = (queue.depths().await?, queue.workers().await?, queue.pauses().await?);
    let rates = queue.rates(RateQuery::last(3_600).by_name()).await?;
    let recent = queue.rates(RateQuery::last(300).by_name()).await?;
    let served = workers.iter().filter(|worker| worker.alive).filter_map(|worker| worker.queues.clone()).flatten();
    let stopped = pauses.iter().filter_map(|pause| match &pause.target {
        PauseTarget::Queue(name) => Some(name.clone()),
        _ => None,
    });
    let names: BTreeSet<String> = depths
        .iter()
        .map(|depth| depth.queue.clone())
        .chain(rates.iter().map(|rate| rate.queue.clone()))
        .chain(served)
        .chain(stopped)
        .collect();
    Ok(names.into_iter().map(|name| line(name, &depths, &workers, &pauses, &rates, &recent)).collect())
}

fn line(
    name: String,
    depths: &[Depth],
    workers: &[WorkerView],
    pauses: &[Pause],
    rates: &[Rate],
    recent: &[Rate],
) -> Line {
    let here = |depth: &&Depth| depth.queue == name;
    let waits = || {
        let of = rates.iter().filter(|rate| rate.queue == name && rate.kind == RateKind::Wait);
        of.map(|rate| (rate.bucket, rate.count))
    };
    let ended: u64 =
        recent.iter().filter(|rate| rate.queue == name && rate.kind != RateKind::Wait).map(|rate| rate.count).sum();
    Line {
        waiting: depths.iter().filter(here).map(|depth| (depth.state, depth.count)).collect(),
        oldest_ready: depths
            .iter()
            .filter(here)
            .find(|depth| depth.state == JobState::Ready)
            .and_then(|depth| depth.oldest),
        // A count of minutes is far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        ended_per_minute: ended as f64 / 5.0,
        wait_p50_us: percentile(waits(), 0.5),
        wait_p95_us: percentile(waits(), 0.95),
        workers: workers.iter().filter(|worker| worker.alive && worker.serves(&name)).count(),
        paused: pauses.iter().find(|pause| pause.target == PauseTarget::Queue(name.clone())).cloned(),
        name,
    }
}

pub(in super::super) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    let lines = lines(state.queue()).await?;
    if asked.json() {
        return Ok(json::answer(&serde_json::json!({ "queues": lines })));
    }
    let everything = state.queue().pauses().await?.into_iter().find(|pause| pause.target == PauseTarget::Everything);
    let now = state.queue().now().await?;
    let body = html! {
        div .row .spread {
            h1 { "Queues" }
            @if visit.may(Action::Pause) { (pause_button(&visit, &PauseTarget::Everything, everything.as_ref(), "everything")) }
        }
        section .panel #queues data-refresh="10" { (table(&visit, &lines, now, true)) }
    };
    Ok(html_answer(frame(&visit, "/queues", "Queues", body)))
}

pub(in super::super) fn pause_button(
    visit: &Visit,
    target: &PauseTarget,
    paused: Option<&Pause>,
    what: &str,
) -> Markup {
    let path = if paused.is_some() { "resume" } else { "pause" };
    html! {
        form .inline method="post" action={ (visit.base) "/" (path) } {
            (token(visit))
            input type="hidden" name="target" value=(target);
            button .small aria-label={ (path) " " (what) } { @if paused.is_some() { "Resume" } @else { "Pause" } @if what == "everything" { " everything" } }
        }
    }
}

pub(in super::super) fn table(visit: &Visit, lines: &[Line], now: DateTime<Utc>, whole: bool) -> Markup {
    let figure = |line: &Line, state: JobState| {
        let count = line.count(state);
        html! {
            td .num {
                a href=(jobs_link(&visit.base, &format!("state:{state} queue:{}", quoted(&line.name)))) {
                    span data-live={ "queue." (line.name) "." (state) } data-none="0" { (bounded(count)) }
                }
            }
        }
    };
    if lines.is_empty() {
        return empty("No queue has seen a job yet.", html! { "A queue comes into being with its first job." });
    }
    html! {
        div .scroll {
            table {
                thead {
                    tr {
                        th { "Queue" } th .num { "Ready" } th .num { "Running" } th .num .phone-off { "Scheduled" } th .num .phone-off { "Retrying" }
                        th .num .phone-off { "Parked" } th .num { "Oldest" } th .num .phone-off { "Ended/min" }
                        @if whole { th .num .phone-off { "Empty in" } th .num .phone-off { "Wait p50" } }
                        th .num { "Wait p95" } th .num { "Workers" } @if whole { th {} }
                    }
                }
                tbody {
                    @for line in lines {
                        tr {
                            td .nowrap {
                                (words::cut(&line.name, 40))
                                @if let Some(pause) = &line.paused {
                                    span .under { "paused " (words::when(pause.at, now)) @if !pause.by.is_empty() { " by " (pause.by) } }
                                }
                            }
                            (figure(line, JobState::Ready)) (figure(line, JobState::Running))
                            @for state in [JobState::Scheduled, JobState::Retrying, JobState::Parked] {
                                td .num .phone-off { (bounded(line.count(state))) }
                            }
                            td .num { @if let Some(at) = line.oldest_ready { (words::when(at, now)) } @else { "–" } }
                            td .num .phone-off { (format!("{:.1}", line.ended_per_minute)) }
                            @if whole {
                                td .num .phone-off { @if let Some(minutes) = line.minutes_to_empty() { (minutes) (BLANK) "m" } @else { "–" } }
                                td .num .phone-off { @if let Some(wait) = line.wait_p50_us { "<" (BLANK) (words::short(wait)) } @else { "–" } }
                            }
                            td .num { @if let Some(wait) = line.wait_p95_us { "<" (BLANK) (words::short(wait)) } @else { "–" } }
                            td .num .dead[line.workers == 0] { (line.workers) }
                            @if whole { td .num { @if visit.may(Action::Pause) { (pause_button(visit, &PauseTarget::queue(&line.name), line.paused.as_ref(), &line.name)) } } }
                        }
                    }
                }
            }
        }
    }
}
