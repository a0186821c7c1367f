//! The list: the filter, a page of jobs, and what to do with them.

mod columns;
mod export;
mod points;
mod search;
mod shown;
mod table;

use axum::Extension;
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use maud::{Markup, html};
use serde::Deserialize;

pub(in crate::dashboard) use search::suggestions;
pub(in crate::dashboard) use shown::{has_redacted, known_jobs, redacted_arguments, shown};
pub(in crate::dashboard) use table::plain as table;

use super::super::auth::Action;
use super::super::guard::Visit;
use super::super::json;
use super::super::layout::{Page, Trouble, banner, empty, html_answer, page as frame, token};
use super::super::state::State;
use super::{PATIENCE, escaped};
use crate::error::Error;
use crate::filter::{Filter, FilterError};
use crate::record::{JobFilter, JobId};
use columns::Columns;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::dashboard) struct Asked {
    q: String,
    after: Option<JobId>,
    format: String,
    limit: Option<u32>,
    /// Fields of the arguments, the metadata or the output, with commas between.
    cols: String,
    /// `oldest`: those that were enqueued first come first.
    order: String,
    /// By which column the page is sorted, with a minus for the other way round.
    sort: String,
    /// `points`: a picture of the runs over time.
    view: String,
}

impl Asked {
    /// The link to the same with some of it changed.
    fn link(&self, base: &str, change: impl FnOnce(&mut Self)) -> String {
        let mut asked = Self { after: None, format: String::new(), ..self.clone() };
        change(&mut asked);
        let after = asked.after.map(|id| id.to_string()).unwrap_or_default();
        let parts = [
            ("q", asked.q.as_str()),
            ("cols", &asked.cols),
            ("order", &asked.order),
            ("sort", &asked.sort),
            ("view", &asked.view),
            ("format", &asked.format),
            ("after", &after),
        ];
        let said = parts.iter().filter(|(name, value)| !value.is_empty() || *name == "q");
        let said: Vec<_> = said.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        format!("{base}/jobs?{}", said.join("&"))
    }

    /// What the store is asked for.
    fn wanted(&self, filter: &Filter) -> JobFilter {
        let wanted = JobFilter::new().within(PATIENCE);
        let mut wanted = if self.order == "oldest" { wanted.oldest_first() } else { wanted };
        wanted.matching = Some(filter.clone());
        wanted
    }
}

/// A filter that this visitor may use; searching in arguments tells what is in them.
pub(in crate::dashboard) fn readable(visit: &Visit, text: &str) -> Result<Result<Filter, FilterError>, Trouble> {
    let filter = Filter::parse(text);
    match &filter {
        Ok(filter) if filter.reads_contents() && !visit.may(Action::ViewArguments) => Err(Trouble::forbidden()),
        _ => Ok(filter),
    }
}

pub(in crate::dashboard) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    let columns = Columns::read(&asked.cols).map_err(|wrong| Trouble::new(StatusCode::BAD_REQUEST, wrong))?;
    let filter = match (readable(&visit, &asked.q)?, asked.format.as_str()) {
        (Ok(filter), _) => filter,
        (Err(error), "") => {
            return Ok(html_answer(around(&visit, &asked, html! { (search::mistake(&error)) })));
        }
        (Err(error), _) => {
            let place = [error.place().start, error.place().end];
            let wrong = json::answer(&serde_json::json!({ "error": error.message(), "place": place }));
            return Ok((StatusCode::BAD_REQUEST, wrong).into_response());
        }
    };
    if let Some(kind) = export::Kind::named(&asked.format) {
        return Ok(export::stream(&state, &visit, kind, asked.wanted(&filter), columns));
    }
    if asked.view == "points" && asked.format.is_empty() {
        let picture = points::picture(&state, &visit, &asked, asked.wanted(&filter)).await?;
        return Ok(html_answer(around(&visit, &asked, picture)));
    }
    let limit = asked.limit.unwrap_or(50).clamp(1, 200);
    let mut jobs = match state.queue().list(asked.wanted(&filter), asked.after, limit + 1).await {
        Ok(jobs) => jobs,
        Err(error @ Error::TooLong { .. }) if asked.format.is_empty() => {
            return Ok(html_answer(around(&visit, &asked, banner("warn", html! { (error.to_string()) }))));
        }
        Err(error) => return Err(error.into()),
    };
    let more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next = more.then(|| jobs.last().map(|job| job.id)).flatten();
    let mut jobs: Vec<_> = jobs.into_iter().map(|job| shown(&visit, job)).collect();
    if asked.format == "json" {
        return Ok(json::answer(&serde_json::json!({ "jobs": jobs, "next": next })));
    }
    let now = state.queue().now().await?;
    table::sort(&mut jobs, &asked.sort, now);
    let list = html! {
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
                    @if table::can_change(&visit) { (table::bulk_bar(&visit, &asked.q)) }
                    div .scroll { (table::table(&visit, &jobs, now, &asked, &columns)) }
                }
            }
        }
        (table::pager(&visit, &asked, next))
    };
    Ok(html_answer(around(&visit, &asked, list)))
}

/// The page around what was found.
fn around(visit: &Visit, asked: &Asked, found: Markup) -> Markup {
    let (base, points) = (&visit.base, asked.view == "points");
    let body = html! {
        div .row .spread {
            h1 { "Jobs" }
            div .row {
                div .tabs role="navigation" aria-label="View" {
                    a href=(asked.link(base, |asked| asked.view.clear())) aria-current=[(!points).then_some("true")] { "list" }
                    a href=(asked.link(base, |asked| "points".clone_into(&mut asked.view))) aria-current=[points.then_some("true")] { "runs over time" }
                }
                details .menu {
                    summary .button { "Export" }
                    p {
                        @for (format, name) in [("jsonl", "JSON lines, all that match"), ("csv", "CSV, all that match"), ("json", "JSON, this page")] {
                            a href=(asked.link(base, |asked| { asked.view.clear(); format.clone_into(&mut asked.format); })) { (name) } br;
                        }
                    }
                }
            }
        }
        (search::tabs(visit, asked))
        (search::search(visit, asked))
        (found)
    };
    frame(visit, "/jobs", "Jobs", body)
}
