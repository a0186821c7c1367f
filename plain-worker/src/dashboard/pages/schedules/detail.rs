//! One schedule: its times, its runs, and what may be done with it.

use axum::Extension;
use axum::extract::{Path, Query, State as Shared};
use maud::{Markup, html};

use super::super::super::auth::Action;
use super::super::super::guard::Visit;
use super::super::super::layout::{Page, badge, banner, empty, html_answer, page as frame};
use super::super::super::state::State;
use super::super::super::{json, words};
use super::super::{Asked, jobs_link};
use super::{Line, forms, marks, ran, runs_link, state as mark, strip, with_runs};
use crate::filter::quoted;
use crate::schedule::Tz;

/// Runs that are listed.
const RUNS: u32 = 50;

pub(in crate::dashboard) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Page {
    if asked.json() {
        let line = line(&state, &visit, &name).await?;
        return Ok(json::answer(&serde_json::json!({ "schedule": line })));
    }
    Ok(html_answer(draw(&state, &visit, &name, None).await?))
}

async fn line(state: &State, visit: &Visit, name: &str) -> crate::Result<Line> {
    let row = state.queue().schedules().get(name).await?;
    let missing =
        || crate::Error::NoSuchSchedule { name: name.to_owned(), nearest: None, database: state.queue().describe() };
    with_runs(state.queue(), visit, vec![row], RUNS).await?.pop().ok_or_else(missing)
}

/// The page, with its form as it was sent if it was refused.
pub(super) async fn draw(
    state: &State,
    visit: &Visit,
    name: &str,
    refused: Option<(&forms::Sent, &str)>,
) -> crate::Result<Markup> {
    let line = line(state, visit, name).await?;
    let row = &line.row;
    let body = html! {
        p .soft { a href={ (visit.base) "/schedules" } { "Schedules" } " / " (words::cut(name, 60)) }
        div .row .spread {
            h1 { (words::cut(name, 80)) small { (mark(&line)) } }
            div .row { (forms::buttons(visit, row, false)) }
        }
        @if let Some(problem) = &row.problem { (banner("bad", html! { (problem) "." })) }
        @if let Some(slot) = line.overdue {
            (banner("warn", html! { "The slot of " (words::when(slot, row.now)) " has not become a run: does a worker that knows it reach the database?" }))
        }
        div .two {
            section .panel { header { h2 { "Next runs" } } (next(&line)) }
            section .panel { header { h2 { "Facts" } } div .body { (facts(visit, &line)) } }
        }
        section .panel {
            header { h2 { "Last runs" } a href=(runs_link(&visit.base, name)) { "All in the list" } }
            @if line.runs.is_empty() {
                (empty("There is no run yet.", html! { "A run shows up here when it starts; those past their retention are pruned." }))
            } @else {
                div .body { (strip::strip(&line.runs, row.now)) }
                div .scroll { (runs(visit, &line)) }
            }
        }
        section .panel { header { h2 { "Arguments" } } div .body { pre .doc { (words::indented(&row.arguments)) } } }
        @if row.dynamic && visit.may(Action::Edit) { (forms::change(visit, row, refused)) }
    };
    Ok(frame(visit, "/schedules", name, body))
}

fn next(line: &Line) -> Markup {
    let zone: Tz = line.row.timezone.parse().unwrap_or(Tz::UTC);
    html! {
        @if line.next.is_empty() { (empty("No time is left at which it would run.", html! {})) } @else {
            div .scroll { table {
                thead { tr { th { (line.row.timezone) } @if zone != Tz::UTC { th { "UTC" } } th .num { "In" } } }
                tbody {
                    @for slot in &line.next {
                        tr {
                            td .nowrap { (slot.with_timezone(&zone).format("%a %-d %b %Y %H:%M")) }
                            @if zone != Tz::UTC { td .nowrap { (slot.format("%a %-d %b %H:%M")) } }
                            td .num { (words::when(*slot, line.row.now)) }
                        }
                    }
                }
            } }
        }
    }
}

fn facts(visit: &Visit, line: &Line) -> Markup {
    let row = &line.row;
    html! {
        dl .facts {
            dt { "When" } dd { (line.words) span .soft .mono { " " (row.expression) } }
            dt { "Zone" } dd { (row.timezone) }
            dt { "Job" } dd { a href=(jobs_link(&visit.base, &format!("job:{}", quoted(&row.job)))) { (row.job) } }
            @if let Some(queue) = &row.queue { dt { "Queue" } dd { a href=(jobs_link(&visit.base, &format!("queue:{}", quoted(queue)))) { (queue) } } }
            dt { "After a downtime" } dd { (row.catch_up) @if let Some(window) = row.window { ", no older than " (humantime::format_duration(window)) } }
            dt { "While one runs" } dd { (row.overlap) }
            dt { "Written" } dd { @if row.dynamic { "at run time" } @else { "in code" } ", " (words::when(row.created_at, row.now)) ", changed " (words::when(row.changed_at, row.now)) }
            @if row.paused_at.is_some() || line.overdue.is_some() || row.skipped > 0 || !row.waiting.is_empty() || row.run_now.is_some() {
                dt { "Now" } dd { (marks(line)) @if let Some(reason) = &row.skip_reason { span .under { "last skip: " (reason) } } }
            }
        }
    }
}

fn runs(visit: &Visit, line: &Line) -> Markup {
    let now = line.row.now;
    html! {
        table {
            thead { tr { th { "End" } th { "Job" } th { "Slot" } th .num { "Waited" } th .num { "Ran" } th .num { "When" } } }
            tbody {
                @for run in &line.runs {
                    @let job = format!("{}/jobs/{}", visit.base, run.id);
                    tr data-href=(job) {
                        td { (badge(run.state)) }
                        td .mono { a href=(job) { (words::cut(&run.id.to_string(), 18)) } }
                        td .nowrap { @if let Some(slot) = run.slot { (slot.format("%Y-%m-%d %H:%M")) " UTC" } @else { "by hand" } }
                        td .num { @if let Some(start) = run.started_at { (words::span(start - run.due_at)) } @else { "–" } }
                        td .num { @if let Some(ran) = ran(run, now) { (words::span(ran)) } @else { "–" } }
                        td .num { (words::when(run.ended_at.or(run.started_at).unwrap_or(run.due_at), now)) }
                    }
                }
            }
        }
    }
}
