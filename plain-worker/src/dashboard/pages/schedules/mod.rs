//! The schedules: when they run next, how their last runs went, and what keeps them from running.

mod day;
mod detail;
mod forms;
mod strip;

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Query, State as Shared};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

pub(in crate::dashboard) use detail::page as one;
pub(in crate::dashboard) use forms::{act, add};

use super::super::auth::Action;
use super::super::guard::Visit;
use super::super::layout::{Page, empty, html_answer, page as frame};
use super::super::state::State;
use super::super::{json, words};
use super::jobs::redacted_arguments;
use super::{escaped, jobs_link};
use crate::filter::quoted;
use crate::ledger::{ScheduleRow, ScheduleRun, source};
use crate::queue::Queue;
use crate::status::ScheduleState;

/// Runs in the strip of a list.
const STRIP: u32 = 20;
/// By how much a slot may be late before it is told: workers look for due slots every second.
const LATE: TimeDelta = TimeDelta::seconds(60);

#[derive(Debug, Default, Deserialize)]
pub(in crate::dashboard) struct Asked {
    #[serde(default)]
    format: String,
    day: Option<String>,
    #[serde(default)]
    zone: String,
}

/// What a page says of a schedule.
#[derive(Debug, Serialize)]
pub(in crate::dashboard) struct Line {
    #[serde(flatten)]
    pub(in crate::dashboard) row: ScheduleRow,
    /// The expression in words.
    words: String,
    /// Its next five slots.
    pub(in crate::dashboard) next: Vec<DateTime<Utc>>,
    /// The slot that should have been settled by now.
    pub(in crate::dashboard) overdue: Option<DateTime<Utc>>,
    /// Its latest runs, newest first.
    runs: Vec<ScheduleRun>,
}

impl Line {
    fn new(row: ScheduleRow) -> Self {
        let schedule = row.schedule().ok();
        let runs_by_itself = matches!(row.state, ScheduleState::Active | ScheduleState::Unserved);
        let owed = schedule.as_ref().and_then(|schedule| schedule.next_after(row.settled_at));
        Self {
            words: schedule.as_ref().map(|schedule| schedule.describe()).unwrap_or_default(),
            next: schedule.iter().flat_map(|schedule| schedule.upcoming(row.now).take(5)).collect(),
            overdue: owed.filter(|slot| runs_by_itself && row.now - *slot > LATE),
            runs: Vec::new(),
            row,
        }
    }

    /// The same without what this visitor may not see.
    fn shown_to(mut self, visit: &Visit) -> Self {
        self.row.arguments = redacted_arguments(visit, &self.row.job, &self.row.arguments);
        if !visit.may(Action::ViewArguments) {
            self.row.last_error = self.row.last_error.map(|_| "hidden".to_owned());
        }
        self
    }
}

/// All schedules by name, without their runs.
pub(in crate::dashboard) async fn lines(queue: &Queue) -> crate::Result<Vec<Line>> {
    Ok(queue.schedules().list().await?.into_iter().map(Line::new).collect())
}

async fn with_runs(queue: &Queue, visit: &Visit, rows: Vec<ScheduleRow>, each: u32) -> crate::Result<Vec<Line>> {
    let mut runs: BTreeMap<String, Vec<ScheduleRun>> = BTreeMap::new();
    for run in queue.schedules().runs(&rows, each).await? {
        runs.entry(run.schedule.clone()).or_default().push(run);
    }
    let lines = rows.into_iter().map(|row| {
        let runs = runs.remove(&row.name).unwrap_or_default();
        Line { runs, ..Line::new(row).shown_to(visit) }
    });
    Ok(lines.collect())
}

pub(in crate::dashboard) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    match &asked.day {
        Some(day) => day::page(&state, &visit, day, &asked.zone, asked.format == "json").await,
        None if asked.format == "json" => {
            let rows = state.queue().schedules().list().await?;
            let lines = with_runs(state.queue(), &visit, rows, STRIP).await?;
            Ok(json::answer(&serde_json::json!({ "schedules": lines })))
        }
        None => Ok(html_answer(list(&state, &visit, None).await?)),
    }
}

/// The page of all, with the form of a new one if it could not be added.
async fn list(state: &State, visit: &Visit, refused: Option<(&forms::Sent, &str)>) -> crate::Result<Markup> {
    let queue = state.queue();
    let lines = with_runs(queue, visit, queue.schedules().list().await?, STRIP).await?;
    let form = if visit.may(Action::Edit) { Some(forms::new(queue, visit, refused).await?) } else { None };
    let body = html! {
        div .row .spread {
            h1 { "Schedules" }
            a .button href={ (visit.base) "/schedules?day=" (lines.first().map_or_else(Utc::now, |line| line.row.now).format("%Y-%m-%d")) } { "Calendar day" }
        }
        @if let (Some(form), Some(_)) = (&form, refused) { (form) }
        section .panel #schedules data-refresh="10" {
            @if lines.is_empty() {
                (empty("There is no schedule yet.", html! { "Write " code { "#[scheduled(\"0 9 * * *\")]" } " above a function, and start a worker that knows it." }))
            } @else { div .scroll { (table(visit, &lines)) } }
        }
        @if let (Some(form), None) = (&form, refused) { (form) }
    };
    Ok(frame(visit, "/schedules", "Schedules", body))
}

fn table(visit: &Visit, lines: &[Line]) -> Markup {
    html! {
        table {
            thead { tr { th { "State" } th { "Schedule" } th { "When" } th .num { "Next" } th { "Last runs" } th {} } }
            tbody {
                @for line in lines {
                    @let row = &line.row;
                    @let path = link(&visit.base, &row.name);
                    tr data-href=(path) {
                        td { (state(line)) (marks(line)) }
                        td .wide { a href=(path) { (words::cut(&row.name, 48)) } span .under .mono { (words::cut(&row.job, 48)) } }
                        td .wide { (words::cut(&line.words, 60)) span .under .mono { (row.expression) " " (row.timezone) } }
                        td .num { (next(line)) }
                        td .nowrap { (strip::strip(&line.runs, row.now)) span .under { (last(line)) } }
                        td .num { (forms::buttons(visit, row, true)) }
                    }
                }
            }
        }
    }
}

/// The path of a schedule's own page.
pub(in crate::dashboard) fn link(base: &str, name: &str) -> String {
    format!("{base}/schedules/{}", escaped(name).replace('+', "%20"))
}

/// A link to the jobs that came of it.
fn runs_link(base: &str, name: &str) -> String {
    jobs_link(base, &format!("source:{}", quoted(&source(name))))
}

/// Whether it runs, as a mark and a word.
fn state(line: &Line) -> Markup {
    let (mark, word, class) = match line.row.state {
        ScheduleState::Active => ("●", "active", "succeeded"),
        ScheduleState::Paused => ("⏸", "paused", "quiet"),
        ScheduleState::Unserved => ("△", "no worker for its queue", "parked"),
        ScheduleState::Stopped => ("◌", "stopped", "parked"),
        ScheduleState::Broken => ("✕", "broken", "dead"),
    };
    let title = line.row.problem.as_deref().unwrap_or_default();
    html! { span .badge .(class) title=[(!title.is_empty()).then_some(title)] { span .mark aria-hidden="true" { (mark) } (word) } }
}

/// What is to be known besides: by whom it is paused, what is late, and what was passed over.
fn marks(line: &Line) -> Markup {
    let row = &line.row;
    html! {
        @if let Some(at) = row.paused_at {
            span .under { (words::when(at, row.now)) @if let Some(by) = &row.paused_by { " by " (words::cut(by, 24)) } }
        }
        @if let Some(slot) = line.overdue { span .under .err { "⚑ overdue: " (words::when(slot, row.now)) } }
        @if let (Some(at), Some(reason)) = (row.last_skip, &row.skip_reason) {
            span .under title=(reason) { "⤼ " (words::grouped(row.skipped)) " skipped, last " (words::when(at, row.now)) }
        }
        @if !row.waiting.is_empty() { span .under { "⧗ " (row.waiting.len()) " wait for the run before" } }
        @if row.run_now.is_some() { span .under { "▶ asked to run" } }
    }
}

fn next(line: &Line) -> Markup {
    match line.next.first() {
        Some(slot) if !matches!(line.row.state, ScheduleState::Paused | ScheduleState::Stopped) => {
            words::when(*slot, line.row.now)
        }
        _ => html! { "–" },
    }
}

/// The latest run in words.
fn last(line: &Line) -> Markup {
    let Some(run) = line.runs.first() else { return html! { "never run, or its runs are pruned" } };
    let at = run.ended_at.or(run.started_at).unwrap_or(run.due_at);
    html! { (run.state) @if let Some(ran) = ran(run, line.row.now) { " after " (words::span(ran)) } ", " (words::when(at, line.row.now)) }
}

/// How long its last attempt ran, or runs.
fn ran(run: &ScheduleRun, now: DateTime<Utc>) -> Option<TimeDelta> {
    run.started_at.map(|start| run.ended_at.unwrap_or(now) - start)
}
