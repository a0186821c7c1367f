//! One job by its name: what it is, how long it runs, how it fails, and a form to enqueue it.
#![allow(clippy::cast_precision_loss, reason = "counts become heights in a picture")]

use axum::Extension;
use axum::extract::{Path, Query, RawForm, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::super::super::actions::check_token;
use super::super::super::auth::Action;
use super::super::super::guard::Visit;
use super::super::super::layout::{Page, Trouble, empty, html_answer, page as frame, token};
use super::super::super::state::State;
use super::super::super::{json, words};
use super::super::jobs::known_jobs;
use super::super::queues::pause_button;
use super::super::{Asked, jobs_link};
use super::form::{Given, form, read};
use crate::filter::quoted;
use crate::job::JobDef;
use crate::monitor::{FailureGroup, RATE_BOUNDS, RateKind, RateQuery, percentile};
use crate::pause::PauseTarget;
use crate::registry::Registry;

pub(in crate::dashboard) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Page {
    let drawn = draw(&state, &visit, &name, asked.json(), None).await?;
    drawn.ok_or_else(|| Trouble::new(StatusCode::NOT_FOUND, "No program and no worker here knows a job of this name."))
}

/// The page, with its form as it was sent if it was refused.
async fn draw(
    state: &State,
    visit: &Visit,
    name: &str,
    as_json: bool,
    refused: Option<(&Given, &str)>,
) -> Result<Option<Response>, Trouble> {
    let queue = state.queue();
    let definition = Registry::of_program().ok().and_then(|registry| registry.get(name));
    let rates = queue.rates(RateQuery { job: Some(name.to_owned()), ..RateQuery::last(86_400) }).await?;
    if definition.is_none() && rates.is_empty() && !known_jobs(queue).await?.contains(name) {
        return Ok(None);
    }
    let mut groups = queue.failure_groups(name).await?;
    if !visit.may(Action::ViewArguments) {
        groups = Some(Vec::new());
    }
    let ends = rates.iter().filter(|rate| rate.kind != RateKind::Wait);
    let mut buckets = [0_u64; RATE_BOUNDS.len() + 1];
    for rate in ends.clone() {
        buckets[rate.bucket.min(RATE_BOUNDS.len())] += rate.count;
    }
    let failed: u64 =
        ends.filter(|rate| matches!(rate.kind, RateKind::Dead | RateKind::Failed)).map(|rate| rate.count).sum();
    if as_json {
        return Ok(Some(json::answer(&serde_json::json!({
            "name": name, "doc": definition.map(|job| job.doc.trim()), "place": definition.map(JobDef::place),
            "run_buckets": buckets, "bounds_us": RATE_BOUNDS, "failed": failed, "errors": groups,
        }))));
    }
    let (pauses, now) = (queue.pauses().await?, queue.now().await?);
    let target = PauseTarget::job(name);
    let pause = pauses.iter().find(|pause| pause.target == target);
    let opens = state.enqueues() && visit.may(Action::Enqueue);
    let body = html! {
        p .soft { a href={ (visit.base) "/functions" } { "Functions" } " / " (words::cut(name, 60)) }
        div .row .spread {
            h1 { (words::cut(name, 80)) @if let Some(pause) = pause { small { "⏸ paused " (words::when(pause.at, now)) @if !pause.by.is_empty() { " by " (pause.by) } } } }
            div .row {
                a .button href=(jobs_link(&visit.base, &format!("job:{}", quoted(name)))) { "Its jobs" }
                @if visit.may(Action::Pause) { (pause_button(visit, &target, pause, name)) }
            }
        }
        div .two {
            section .panel { header { h2 { "Run time, 24 h" } span .soft { (words::grouped(buckets.iter().sum())) " ended, " (words::grouped(failed)) " failed" } } div .body { (histogram(&buckets)) } }
            section .panel { header { h2 { "Function" } } div .body { (facts(definition)) } }
        }
        section .panel { header { h2 { "Errors of a week" } } (errors(visit, name, groups.as_deref(), now)) }
        @if let (true, Some(definition)) = (opens, definition) { (form(visit, definition, refused)) }
    };
    Ok(Some(html_answer(frame(visit, "/functions", name, body))))
}

fn facts(definition: Option<&JobDef>) -> Markup {
    let Some(job) = definition else {
        return html! { p .soft { "This program does not have it: what it is stands in the code of the workers that know it." } };
    };
    let options = &job.options;
    let span = |time: Option<std::time::Duration>| {
        time.map_or_else(|| "–".to_owned(), |time| humantime::format_duration(time).to_string())
    };
    html! {
        @if !job.doc.trim().is_empty() { p .doc-text { (job.doc.trim()) } }
        dl .facts {
            dt { "Place" } dd .mono { (job.place()) }
            dt { "Arguments" } dd .mono { @for argument in job.arguments { (argument.name) ": " (argument.type_text) @if argument.redacted { " (hidden)" } br; } @if job.arguments.is_empty() { "none" } }
            dt { "Queue" } dd { (options.queue) }
            dt { "Priority" } dd { (options.priority) }
            dt { "Retries" } dd { (options.retries) }
            dt { "Timeout" } dd { (span(options.timeout)) }
            dt { "Expires in" } dd { (span(options.expires_in)) }
            dt { "Unique" } dd { @if let Some(unique) = &options.unique { @if unique.arguments.is_empty() { "by all arguments" } @else { "by " (unique.arguments.join(", ")) } ", until its " (unique.until) } @else { "–" } }
            @if !job.aliases.is_empty() { dt { "Also named" } dd .mono { (job.aliases.join(", ")) } }
        }
    }
}

/// How many attempts lie in each bucket of time.
fn histogram(buckets: &[u64]) -> Markup {
    let (first, last) = (buckets.iter().position(|count| *count > 0), buckets.iter().rposition(|count| *count > 0));
    let (Some(first), Some(last)) = (first, last) else {
        return html! { p .soft { "Nothing has ended within 24 hours." } };
    };
    let (first, last) = (first.saturating_sub(1), (last + 1).min(buckets.len() - 1));
    let drawn = &buckets[first..=last];
    let highest = drawn.iter().copied().max().unwrap_or(1).max(1) as f64;
    let width = 600.0 / drawn.len() as f64;
    let at = |share| percentile(buckets.iter().copied().enumerate(), share).map_or_else(String::new, words::short);
    html! {
        svg viewBox="0 0 600 140" role="img" aria-label="Run time by how many attempts took it" {
            line .zero x1="0" x2="600" y1="116" y2="116" {}
            @for (place, count) in drawn.iter().enumerate() {
                @let x = width * place as f64;
                @let height = 104.0 * *count as f64 / highest;
                @let bound = RATE_BOUNDS.get(first + place).map_or_else(|| "longer".to_owned(), |bound| format!("<{}", words::short(*bound)));
                rect .bar .f-running x=(format!("{:.1}", x + 2.0)) width=(format!("{:.1}", width - 4.0)) y=(format!("{:.1}", 116.0 - height)) height=(format!("{height:.1}")) { title { (bound) ": " (words::grouped(*count)) } }
                @if drawn.len() < 9 || place % 2 == 0 { text x=(format!("{:.1}", x + width / 2.0)) y="132" text-anchor="middle" { (bound) } }
            }
        }
        p .soft { "half below " (at(0.5)) ", 95 % below " (at(0.95)) ", 99 % below " (at(0.99)) }
    }
}

fn errors(visit: &Visit, name: &str, groups: Option<&[FailureGroup]>, now: chrono::DateTime<chrono::Utc>) -> Markup {
    let Some(groups) = groups else {
        return empty(
            "They could not be counted in two seconds.",
            html! { a href=(jobs_link(&visit.base, &format!("state:dead job:{}", quoted(name)))) { "Look at the dead jobs" } },
        );
    };
    if groups.is_empty() {
        return empty("No error to show.", html! { "Errors that say the same are counted together here." });
    }
    html! {
        div .scroll { table {
            thead { tr { th { "Error" } th .num { "1 h" } th .num { "24 h" } th .num { "7 d" } th .num { "Died" } th .num { "Latest" } th {} } }
            tbody {
                @for group in groups.iter().take(30) {
                    @let all = format!("state:dead job:{} error:{}", quoted(name), quoted(&group.literal));
                    tr {
                        td .wide { a href=(jobs_link(&visit.base, &all.replacen("state:dead", "status:errored", 1))) title=(group.message) { (words::cut(&group.message, 90)) } }
                        td .num { (words::grouped(group.last_hour)) } td .num { (words::grouped(group.last_day)) } td .num { (words::grouped(group.last_week)) }
                        td .num .dead[group.dead > 0] { (words::grouped(group.dead)) }
                        td .num { a href={ (visit.base) "/jobs/" (group.example) } { (words::when(group.latest, now)) } }
                        td .num { @if group.dead > 0 && !group.literal.is_empty() { (whole_group(visit, &all)) } }
                    }
                }
            }
        } }
        @if groups.len() > 30 { p .empty { "and " (groups.len() - 30) " other errors" } }
    }
}

/// The buttons that lead to the preview of a change of all dead jobs of a group.
fn whole_group(visit: &Visit, filter: &str) -> Markup {
    let deeds = [("retry", "Retry", Action::Retry), ("delete", "Delete", Action::Delete)];
    html! {
        @for (action, text, needs) in deeds {
            @if visit.may(needs) {
                form .inline method="post" action={ (visit.base) "/preview" } {
                    (token(visit))
                    input type="hidden" name="q" value=(filter); input type="hidden" name="all" value="yes"; input type="hidden" name="action" value=(action);
                    button .small .danger[action == "delete"] { (text) " all…" }
                } " "
            }
        }
    }
}

/// Enqueues a job by the form of its page.
pub(in crate::dashboard) async fn enqueue(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    RawForm(sent): RawForm,
) -> Result<Response, Trouble> {
    let given = Given::read(&sent)?;
    check_token(&visit, &given.token)?;
    if !state.enqueues() || !visit.may(Action::Enqueue) {
        return Err(Trouble::forbidden());
    }
    let definition = Registry::of_program()?.find(&name)?;
    let by = visit.person.name();
    let enqueued = match read(definition, &given) {
        Ok(arguments) => state.queue().enqueue_by_name(&name, &arguments, &format!("dashboard, {by}")).await,
        Err(wrong) => Err(crate::Error::Setting(wrong)),
    };
    match enqueued {
        Ok(inserted) => {
            let action = if inserted.is_new() { "enqueue" } else { "enqueue (its unique key is held)" };
            state.queue().note_change(by, action, &inserted.id().to_string(), 1).await?;
            Ok(Redirect::to(&format!("{}/jobs/{}", visit.base, inserted.id())).into_response())
        }
        Err(error @ (crate::Error::Refused(_) | crate::Error::Setting(_))) => {
            let page = draw(&state, &visit, &name, false, Some((&given, &error.to_string()))).await?;
            let mut page = page.ok_or_else(|| Trouble::new(StatusCode::BAD_REQUEST, error.to_string()))?;
            *page.status_mut() = StatusCode::BAD_REQUEST;
            Ok(page)
        }
        Err(error) => Err(error.into()),
    }
}
