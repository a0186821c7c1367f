//! One job: what it is, why it waits, and all its attempts.

use axum::Extension;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::super::actions::Wish;
use super::super::auth::Action;
use super::super::bulk::change_fields;
use super::super::guard::Visit;
use super::super::layout::{Page, Trouble, badge, banner, html_answer, page as frame, token};
use super::super::state::State;
use super::super::{chart, json, words};
use super::jobs::{has_redacted, shown};
use super::schedules::link;
use super::{Asked, jobs_link};
use crate::filter::quoted;
use crate::ledger::schedule_of;
use crate::record::{AttemptRow, JobId, JobRow};
use crate::registry::Registry;
use crate::telling::AttemptLog;

pub(in super::super) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Page {
    let id: JobId = id.parse().map_err(|_| Trouble::new(StatusCode::NOT_FOUND, "This is not the id of a job."))?;
    let queue = state.queue();
    let gone = || {
        Trouble::new(
            StatusCode::NOT_FOUND,
            "There is no such job: it never was, was deleted, or is past its retention.",
        )
    };
    let job = queue.job(id).await?.ok_or_else(gone)?;
    let why = queue.why(&job).await?;
    let mut attempts = queue.attempts(id).await?;
    let logs = if visit.may(Action::ViewArguments) { queue.logs(id).await? } else { Vec::new() };
    let job = shown(&visit, job);
    if !visit.may(Action::ViewArguments) {
        for attempt in &mut attempts {
            attempt.error = attempt.error.take().map(|_| "hidden".to_owned());
            attempt.output = None;
        }
    }
    if asked.json() {
        return Ok(json::answer(&serde_json::json!({ "job": job, "why": why, "attempts": attempts, "logs": logs })));
    }
    let now = queue.now().await?;
    let body = html! {
        p .soft { a href={ (visit.base) "/jobs" } { "Jobs" } " / " span .mono { (job.id) } }
        div .row .spread {
            h1 { (words::cut(&job.job, 80)) small { (badge(job.state)) } }
            (actions(&visit, &job))
        }
        @if let Some(why) = &why { p .why { (why) } }
        @if let (None, Some(error)) = (&why, &job.error) { (banner("bad", html! { pre { (error) } })) }
        @if let Some(done) = &job.progress {
            section .panel #progress data-refresh="2" { div .body {
                progress max="1" value=(done.fraction) {}
                p { (format!("{:.0}", done.fraction * 100.0)) " %" @if let Some(note) = &done.note { " · " (note) } }
            } }
        }
        div .two {
            section .panel { header { h2 { "Arguments" } } div .body { pre .doc { (words::indented(&job.arguments)) } } }
            section .panel { header { h2 { "Facts" } } div .body { (facts(&visit, &job, now)) } }
        }
        (changes(&visit, &job))
        section .panel {
            header { h2 { "Attempts" } span .legend { span .soft { "light: waiting" } span { "solid: running" } } }
            div .body { (chart::waterfall(&job, &attempts, now)) }
            @if !attempts.is_empty() { div .scroll { (table(&visit, &attempts, now)) } }
        }
        (log(&logs))
        @if let Some(output) = &job.output {
            section .panel { header { h2 { "Output" } } div .body { pre .doc { (words::indented(output)) } } }
        }
        @if let Some(metadata) = &job.metadata {
            section .panel { header { h2 { "Metadata" } } div .body { pre .doc { (words::indented(metadata)) } } }
        }
    };
    Ok(html_answer(frame(&visit, "/jobs", &job.job, body)))
}

fn actions(visit: &Visit, job: &JobRow) -> Markup {
    let running = job.state == crate::JobState::Running;
    let ended = job.state.is_final();
    let action = |name: &str, text: &str, danger: bool| {
        html! {
            form .inline method="post" action={ (visit.base) "/jobs/" (job.id) "/" (name) } {
                (token(visit))
                button .danger[danger] data-key=[(name == "retry").then_some("r")] { (text) }
            }
        }
    };
    html! {
        div .row {
            @if visit.may(Action::Retry) && !running && job.state != crate::JobState::Ready { (action("retry", if ended { "Retry" } else { "Retry from the start" }, false)) }
            @if visit.may(Action::RunNow) && matches!(job.state, crate::JobState::Scheduled | crate::JobState::Retrying) { (action("run", "Run now", false)) }
            @if visit.may(Action::Cancel) && !ended { (action("cancel", "Cancel", false)) }
            @if visit.may(Action::Delete) && !ended && !running { (action("delete", "Delete", true)) }
        }
    }
}

/// The forms of what may be changed: a waiting job's place, and the arguments of its next run.
fn changes(visit: &Visit, job: &JobRow) -> Markup {
    let running = job.state == crate::JobState::Running;
    // What is hidden here must not be written back.
    let shows = visit.may(Action::ViewArguments) && !has_redacted(&job.job);
    let path = |action: &str| format!("{}/jobs/{}/{action}", visit.base, job.id);
    html! {
        @if visit.may(Action::Edit) && !job.state.is_final() && !running {
            details .panel {
                summary { "Change its priority, queue or time" }
                form .body method="post" action=(path("change")) { (token(visit)) (change_fields(&Wish::default())) button .main { "Change" } }
            }
        }
        @if visit.may(Action::Edit) && visit.may(Action::Retry) && !running {
            details .panel {
                summary { "Run it with other arguments" }
                form .fields method="post" action=(path("rerun")) {
                    (token(visit))
                    label .whole { span { "Arguments as JSON; attempts that have ended keep theirs" }
                        textarea name="arguments" rows="6" required spellcheck="false" { @if shows { (words::indented(&job.arguments)) } } }
                    button .main { "Run with these" }
                }
            }
        }
    }
}

/// What the attempts logged, the latest attempt open.
fn log(logs: &[AttemptLog]) -> Markup {
    html! {
        @for (place, log) in logs.iter().enumerate() {
            details .panel open[place + 1 == logs.len()] {
                summary { "Log of attempt " (log.attempt) }
                div .scroll { table .log { tbody {
                    @if log.dropped > 0 { tr { td {} td {} td .soft { (log.dropped) " lines before these were not kept" } } }
                    @for line in &log.lines {
                        tr {
                            td .nowrap .soft title=(line.at.to_rfc3339()) { (line.at.format("%H:%M:%S%.3f")) }
                            td .dead[line.level == "ERROR"] .retrying[line.level == "WARN"] { (line.level) }
                            td .text { (line.message) }
                        }
                    }
                } } }
            }
        }
    }
}

fn facts(visit: &Visit, job: &JobRow, now: DateTime<Utc>) -> Markup {
    let definition = Registry::of_program().ok().and_then(|registry| registry.get(&job.job));
    html! {
        dl .facts {
            dt { "Queue" } dd { a href=(jobs_link(&visit.base, &format!("queue:{}", quoted(&job.queue)))) { (job.queue) } }
            dt { "Priority" } dd { (job.priority) }
            dt { "Attempt" } dd { (job.attempt) ", failed " (job.failures) " of " (i64::from(job.retries) + 1) @if job.losses > 0 { ", lost " (job.losses) } @if job.hand_backs > 0 { ", handed back " (job.hand_backs) } }
            dt { "Enqueued" } dd { (words::when(job.enqueued_at, now)) @if let Some(source) = &job.source { span .soft { " at " span .mono { (source) } } } }
            dt { "Due" } dd { (words::when(job.due_at, now)) }
            @if let Some(start) = job.started_at { dt { "Started" } dd { (words::when(start, now)) } }
            @if let Some(end) = job.ended_at { dt { "Ended" } dd { (words::when(end, now)) } }
            @if let Some(key) = &job.unique_key { dt { "Unique key" } dd .mono { (key) } }
            @if let Some(name) = job.source.as_deref().and_then(schedule_of) { dt { "Schedule" } dd { a href=(link(&visit.base, name)) { (name) } } }
            @if let Some(slot) = job.slot { dt { "Slot" } dd { (words::when(slot, now)) } }
            @if let Some(worker) = job.worker_id { dt { "Worker" } dd .mono { (worker) } }
            @if let Some(definition) = definition { dt { "Function" } dd { a href=(super::functions::link(&visit.base, definition.name)) { (definition.name) } span .soft .mono { " " (definition.place()) } } }
        }
    }
}

fn table(visit: &Visit, attempts: &[AttemptRow], now: DateTime<Utc>) -> Markup {
    html! {
        table {
            thead { tr { th .num { "No." } th { "End" } th { "Error" } th .num { "Ran" } th .num { "Ended" } th .phone-off { "Worker" } } }
            tbody {
                @for attempt in attempts {
                    @let kind = attempt.error_kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
                    tr {
                        td .num { (attempt.attempt) }
                        td .nowrap { (attempt.status) (kind) }
                        td { @if let Some(error) = &attempt.error { pre .doc { (error) } } }
                        td .num { (attempt.started_at.map_or_else(|| "–".to_owned(), |start| words::span(attempt.ended_at - start))) }
                        td .num { (words::when(attempt.ended_at, now)) }
                        td .phone-off .mono {
                            @if let Some(worker) = attempt.worker_id {
                                a href=(jobs_link(&visit.base, &format!("worker:{worker}"))) { (words::cut(&worker.to_string(), 15)) }
                            }
                            @if let Some(build) = &attempt.build { span .under { (build) } }
                        }
                    }
                }
            }
        }
    }
}
