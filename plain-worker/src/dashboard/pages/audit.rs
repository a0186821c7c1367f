//! Who changed what.

use axum::Extension;
use axum::extract::{Query, State as Shared};
use maud::html;

use super::super::guard::Visit;
use super::super::layout::{Page, empty, html_answer, page as frame};
use super::super::state::State;
use super::super::{json, words};
use super::{Asked, jobs_link};

pub(in super::super) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    const MOST: usize = 100;
    let rows = state.queue().audit(asked.before, 101).await?;
    let next = (rows.len() > MOST).then(|| rows[MOST - 1].seq);
    let rows = &rows[..rows.len().min(MOST)];
    if asked.json() {
        return Ok(json::answer(&serde_json::json!({ "changes": rows, "next": next })));
    }
    let now = state.queue().now().await?;
    let body = html! {
        h1 { "Audit" }
        section .panel {
            @if rows.is_empty() {
                (empty("Nobody has changed anything yet.", html! { "Retries, cancellations, deletions, pauses and changes of schedules are noted here." }))
            } @else {
                div .scroll { table {
                    thead { tr { th .num { "When" } th { "Who" } th { "What" } th { "To what" } th .num { "Jobs" } } }
                    tbody {
                        @for row in rows {
                            tr {
                                td .num { (words::when(row.at, now)) }
                                td { (words::cut(&row.actor, 40)) }
                                td { (row.action) }
                                td .wide .mono {
                                    @if let Some(target) = &row.target {
                                        @if let Ok(id) = target.parse::<crate::JobId>() { a href={ (visit.base) "/jobs/" (id) } { (id) } }
                                        @else if let Some(filter) = target.strip_prefix("jobs where ") { a href=(jobs_link(&visit.base, filter)) { (words::cut(filter, 120)) } }
                                        @else if let Some(name) = target.strip_prefix("schedule:") { a href=(super::schedules::link(&visit.base, name)) { (words::cut(target, 120)) } }
                                        @else { (words::cut(target, 120)) }
                                    }
                                }
                                td .num { (row.count) }
                            }
                        }
                    }
                } }
            }
        }
        @if let Some(next) = next { div .pager { span {} a .button href={ "?before=" (next) } { "Older" } } }
    };
    Ok(html_answer(frame(&visit, "/audit", "Audit", body)))
}
