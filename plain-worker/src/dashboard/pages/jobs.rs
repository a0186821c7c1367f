//! The list: the filter, a page of jobs, and what to do with them.

use axum::Extension;
use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::auth::Action;
use super::super::guard::Visit;
use super::super::layout::{Page, Trouble, badge, banner, empty, html_answer, page as frame, token};
use super::super::state::State;
use super::super::{json, words};
use super::{PATIENCE, escaped, jobs_link};
use crate::error::Error;
use crate::filter::{Filter, FilterError, quoted, suggest};
use crate::record::{JobFilter, JobId, JobRow};
use crate::registry::Registry;
use crate::status::JobState;

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Asked {
    #[serde(default)]
    q: String,
    after: Option<JobId>,
    #[serde(default)]
    format: String,
    limit: Option<u32>,
}

const TABS: [(&str, &str); 9] = [
    ("", "All"),
    ("ready", "Ready"),
    ("running", "Running"),
    ("scheduled", "Scheduled"),
    ("retrying", "Retrying"),
    ("parked", "Parked"),
    ("succeeded", "Succeeded"),
    ("dead", "Dead"),
    ("cancelled", "Cancelled"),
];

/// A filter that this visitor may use; searching in arguments tells what is in them.
pub(in super::super) fn readable(visit: &Visit, text: &str) -> Result<Result<Filter, FilterError>, Trouble> {
    let filter = Filter::parse(text);
    match &filter {
        Ok(filter) if filter.reads_contents() && !visit.may(Action::ViewArguments) => Err(Trouble::forbidden()),
        _ => Ok(filter),
    }
}

pub(in super::super) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    let limit = asked.limit.unwrap_or(50).clamp(1, 200);
    let filter = readable(&visit, &asked.q)?;
    let (jobs, complaint) = match &filter {
        Err(error) => (Vec::new(), Some(mistake(error))),
        Ok(filter) => {
            let mut wanted = JobFilter::new().within(PATIENCE);
            wanted.matching = Some(filter.clone());
            match state.queue().list(wanted, asked.after, limit + 1).await {
                Ok(jobs) => (jobs, None),
                Err(error @ Error::TooLong { .. }) => (Vec::new(), Some(banner("warn", html! { (error.to_string()) }))),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let more = jobs.len() > limit as usize;
    let jobs = &jobs[..jobs.len().min(limit as usize)];
    let next = more.then(|| jobs.last().map(|job| job.id)).flatten();
    if asked.format == "json" {
        if let Err(error) = &filter {
            let wrong =
                serde_json::json!({ "error": error.message(), "place": [error.place().start, error.place().end] });
            return Ok((axum::http::StatusCode::BAD_REQUEST, json::answer(&wrong)).into_response());
        }
        let jobs: Vec<_> = jobs.iter().map(|job| shown(&visit, job.clone())).collect();
        return Ok(json::answer(&serde_json::json!({ "jobs": jobs, "next": next })));
    }
    let now = state.queue().now().await?;
    let body = html! {
        div .row .spread { h1 { "Jobs" } a .button href={ "?q=" (escaped(&asked.q)) "&format=json" } { "JSON" } }
        (tabs(&visit, &asked.q))
        (search(&visit, &asked.q))
        @if let Some(complaint) = &complaint { (complaint) }
        @if complaint.is_none() {
            form method="post" action={ (visit.base) "/preview" } {
                (token(&visit))
                input type="hidden" name="q" value=(asked.q);
                section .panel {
                    @if jobs.is_empty() {
                        @if asked.q.is_empty() && asked.after.is_none() {
                            (empty("No job was enqueued yet.", html! { "Enqueue one: " code { "welcome_user::enqueue(7).await?" } }))
                        } @else {
                            (empty("No job matches.", html! { a href={ (visit.base) "/jobs" } { "Show all jobs" } }))
                        }
                    } @else {
                        @if can_change(&visit) { (bulk_bar(&visit, &asked.q)) }
                        div .scroll { (table(&visit, jobs, now)) }
                    }
                }
            }
            (pager(&visit, &asked, next))
        }
        (keys())
    };
    Ok(html_answer(frame(&visit, "/jobs", "Jobs", body)))
}

/// A job as this visitor may see it: what is inside is left out for some, and redacted arguments for all.
pub(in super::super) fn shown(visit: &Visit, mut job: JobRow) -> JobRow {
    if !visit.may(Action::ViewArguments) {
        let hidden = || Some("hidden".to_owned());
        "\"hidden\"".clone_into(&mut job.arguments);
        job.metadata = job.metadata.and(Some("\"hidden\"".to_owned()));
        job.output = job.output.and(Some("\"hidden\"".to_owned()));
        job.error = job.error.and_then(|_| hidden());
        job.unique_key = job.unique_key.and_then(|_| hidden());
        return job;
    }
    job.arguments = redacted_arguments(visit, &job.job, &job.arguments);
    job
}

/// Arguments of a job of that name as this visitor may see them.
pub(in super::super) fn redacted_arguments(visit: &Visit, job: &str, arguments: &str) -> String {
    if !visit.may(Action::ViewArguments) {
        return "\"hidden\"".to_owned();
    }
    let redacted = redacted(job);
    if redacted.is_empty() { arguments.to_owned() } else { redact(arguments, &redacted) }
}

/// The arguments of a job whose values are hidden from all.
fn redacted(job: &str) -> Vec<&'static str> {
    Registry::of_program()
        .ok()
        .and_then(|registry| registry.get(job))
        .map(|definition| definition.arguments.iter().filter(|a| a.redacted).map(|a| a.name).collect())
        .unwrap_or_default()
}

/// Whether a job has arguments whose values are hidden from all.
pub(in super::super) fn has_redacted(job: &str) -> bool {
    !redacted(job).is_empty()
}

/// The names of the jobs that this program or a live worker knows.
pub(in super::super) async fn known_jobs(queue: &crate::Queue) -> crate::Result<std::collections::BTreeSet<String>> {
    let workers = queue.workers().await?;
    let mut known: std::collections::BTreeSet<String> =
        workers.iter().filter(|worker| worker.alive).flat_map(|worker| worker.knows.keys().cloned()).collect();
    if let Ok(registry) = Registry::of_program() {
        known.extend(registry.jobs().iter().map(|job| job.name.to_owned()));
    }
    Ok(known)
}

/// The arguments with some values hidden; every other value stays as it is written.
fn redact(arguments: &str, names: &[&str]) -> String {
    type Raw = Box<serde_json::value::RawValue>;
    let Ok(mut fields) = serde_json::from_str::<std::collections::BTreeMap<String, Raw>>(arguments) else {
        return "\"hidden\"".to_owned();
    };
    for (name, value) in &mut fields {
        if names.contains(&name.as_str()) {
            *value = serde_json::value::to_raw_value("hidden").unwrap_or_default();
        }
    }
    serde_json::to_string(&fields).unwrap_or_else(|_| "\"hidden\"".to_owned())
}

fn mistake(error: &FilterError) -> Markup {
    let (before, wrong, after) = error.parts();
    let wrong = if wrong.is_empty() { " " } else { wrong };
    banner("bad", html! { (error.message()) pre { (before) mark { (wrong) } (after) } })
}

/// The text without its top-level states, which the tabs give.
fn without_state(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.starts_with("state:") && !word.starts_with("status:"));
    if text.contains(['"', '(']) { text.to_owned() } else { words.collect::<Vec<_>>().join(" ") }
}

fn tabs(visit: &Visit, text: &str) -> Markup {
    let rest = without_state(text);
    let here = |state: &str| {
        let wanted = format!("state:{state}");
        if state.is_empty() { !text.contains("state:") } else { text.split_whitespace().any(|word| word == wanted) }
    };
    html! {
        div .tabs role="navigation" aria-label="States" {
            @for (state, name) in TABS {
                @let wanted = if state.is_empty() { rest.clone() } else { format!("state:{state} {rest}") };
                a href=(jobs_link(&visit.base, wanted.trim())) aria-current=[here(state).then_some("true")] {
                    (name)
                    @if matches!(state, "ready" | "running" | "scheduled" | "retrying" | "parked") {
                        " " span .soft data-live={ "state." (state) } {}
                    }
                }
            }
        }
    }
}

fn search(visit: &Visit, text: &str) -> Markup {
    html! {
        form .search method="get" action={ (visit.base) "/jobs" } role="search" {
            input type="search" name="q" value=(text) list="offers" autocomplete="off" spellcheck="false" aria-label="Filter"
                placeholder="state:dead job:welcome_user error:\"timed out\" args.user_id:7 age:>2h";
            datalist #offers {}
            button { "Search" }
        }
    }
}

fn can_change(visit: &Visit) -> bool {
    [Action::Retry, Action::Cancel, Action::Delete].into_iter().any(|action| visit.may(action))
}

fn bulk_bar(visit: &Visit, text: &str) -> Markup {
    html! {
        header {
            div .row {
                span .soft { "With selected" }
                @for (action, name, needs) in BULK {
                    @if visit.may(needs) {
                        button .small .danger[name == "Delete"] name="action" value=(action) data-key=[(action == "retry").then_some("r")] { (name) "…" }
                    }
                }
            }
            @if !text.trim().is_empty() {
                label .row { input type="checkbox" name="all" value="yes"; "all that match, not the selected only" }
            }
        }
    }
}

/// What can be done with many jobs.
pub(in super::super) const BULK: [(&str, &str, Action); 3] =
    [("retry", "Retry", Action::Retry), ("cancel", "Cancel", Action::Cancel), ("delete", "Delete", Action::Delete)];

pub(in super::super) fn table(visit: &Visit, jobs: &[JobRow], now: DateTime<Utc>) -> Markup {
    html! {
        table {
            thead {
                tr {
                    @if can_change(visit) { th .check { input type="checkbox" data-all aria-label="Select all of this page"; } }
                    th { "State" } th { "Job" } th .phone-off { "Queue" } th .num .phone-off { "Attempt" } th .num { "Ran" } th .num { "When" }
                }
            }
            tbody {
                @for job in jobs {
                    @let job = shown(visit, job.clone());
                    @let link = format!("{}/jobs/{}", visit.base, job.id);
                    tr data-href=(link) {
                        @if can_change(visit) {
                            td .check { input type="checkbox" name="id" value=(job.id) aria-label={ "Select " (job.job) " " (job.id) }; }
                        }
                        td { (badge(job.state)) }
                        td .wide {
                            a href=(link) { (words::cut(&job.job, 60)) }
                            @if let (Some(error), true) = (&job.error, matches!(job.state, JobState::Dead | JobState::Retrying | JobState::Parked)) {
                                span .under .err title=(words::cut(error, 400)) { (words::cut(words::first_line(error), 90)) }
                            } @else {
                                span .under .mono { (words::cut(&job.arguments, 90)) }
                            }
                        }
                        td .phone-off { a href=(jobs_link(&visit.base, &format!("queue:{}", quoted(&job.queue)))) { (words::cut(&job.queue, 30)) } }
                        td .num .phone-off { (job.attempt) span .soft { " of " (i64::from(job.retries) + 1) } }
                        td .num { (ran(&job, now)) }
                        td .num { (words::when(moment(&job), now)) }
                    }
                }
            }
        }
    }
}

/// How long the latest attempt ran, or runs.
fn ran(job: &JobRow, now: DateTime<Utc>) -> String {
    job.started_at.map_or_else(|| "–".to_owned(), |start| words::span(job.ended_at.unwrap_or(now) - start))
}

/// The time that matters in the job's state.
fn moment(job: &JobRow) -> DateTime<Utc> {
    match job.state {
        JobState::Running => job.started_at.unwrap_or(job.due_at),
        state if state.is_final() => job.ended_at.unwrap_or(job.due_at),
        _ => job.due_at,
    }
}

fn pager(visit: &Visit, asked: &Asked, next: Option<JobId>) -> Markup {
    let first = jobs_link(&visit.base, &asked.q);
    html! {
        div .pager {
            @if asked.after.is_some() { a .button href=(first) { "Newest" } } @else { span {} }
            @if let Some(next) = next { a .button rel="next" href={ (first) "&after=" (next) } { "Older" } }
        }
    }
}

fn keys() -> Markup {
    html! {
        dialog aria-label="Keys" {
            h2 { "Keys" }
            p { kbd { "/" } " search, " kbd { "j" } " " kbd { "k" } " down and up, " kbd { "x" } " select, " kbd { "Enter" } " open, " kbd { "r" } " retry" }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// What could follow in the search box.
pub(in super::super) async fn suggestions(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let depths = state.queue().depths().await?;
    let rates = state.queue().rates(crate::RateQuery::last(86_400).by_name()).await?;
    let values = |field: &str| {
        let mut found: Vec<String> = match field {
            "queue" => {
                depths.iter().map(|depth| &depth.queue).chain(rates.iter().map(|rate| &rate.queue)).cloned().collect()
            }
            "job" => {
                let known = Registry::of_program()
                    .map(|registry| registry.jobs().iter().map(|job| job.name.to_owned()).collect());
                let known: Vec<String> = known.unwrap_or_default();
                known.into_iter().chain(rates.iter().map(|rate| rate.job.clone())).collect()
            }
            "args" if visit.may(Action::ViewArguments) => Registry::of_program()
                .map(|registry| {
                    registry.jobs().iter().flat_map(|job| job.arguments).map(|a| a.name.to_owned()).collect()
                })
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        found.sort();
        found.dedup();
        found
    };
    Ok(json::answer(&suggest(&asked.q, values)))
}
