//! The workers: who they are, what they serve and what they run.

use axum::Extension;
use axum::extract::{Query, State as Shared};
use maud::html;

use super::super::auth::Action;
use super::super::guard::Visit;
use super::super::layout::{Page, empty, html_answer, page as frame};
use super::super::state::State;
use super::super::{json, words};
use super::queues::pause_button;
use super::{Asked, PATIENCE, jobs_link};
use crate::pause::PauseTarget;
use crate::record::JobFilter;
use crate::status::JobState;

pub(in super::super) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    let queue = state.queue();
    let workers = queue.workers().await?;
    if asked.json() {
        return Ok(json::answer(&serde_json::json!({ "workers": workers })));
    }
    let pauses = queue.pauses().await?;
    let running = queue.list(JobFilter::new().state(JobState::Running).within(PATIENCE), None, 200).await?;
    let now = queue.now().await?;
    let body = html! {
        h1 { "Workers" small { span data-live="workers.alive" { (workers.iter().filter(|worker| worker.alive).count()) } " alive" } }
        section .panel #workers data-refresh="10" {
            @if workers.is_empty() {
                (empty("No worker is running.", html! { "Start one: " code { "your-program worker" } }))
            } @else {
                div .scroll { table {
                    thead { tr { th { "Worker" } th { "Queues" } th .num { "Slots" } th { "Runs now" } th .phone-off { "Build" } th .num { "Heartbeat" } th .num .phone-off { "Started" } th {} } }
                    tbody {
                        @for worker in &workers {
                            @let target = PauseTarget::Worker(worker.id.to_string());
                            @let pause = pauses.iter().find(|pause| pause.target == target);
                            tr {
                                td .nowrap {
                                    (words::cut(&worker.host, 40)) span .soft { " · " (worker.pid) }
                                    span .under .mono { (words::cut(&worker.id.to_string(), 15)) @if pause.is_some() { " · paused" } }
                                }
                                td .wide { @if let Some(queues) = &worker.queues { (words::cut(&queues.join(", "), 80)) } @else { span .soft { "all" } }
                                    span .under { "knows " (worker.knows.len()) " jobs" } }
                                td .num { span data-live={ "worker." (worker.id) ".running" } { (worker.running) } span .soft { " of " (worker.concurrency) } }
                                td .wide {
                                    @for job in running.iter().filter(|job| job.worker_id == Some(worker.id)).take(3) {
                                        a href={ (visit.base) "/jobs/" (job.id) } { (words::cut(&job.job, 30)) }
                                        @if let Some(start) = job.started_at { span .soft { " " (words::span(now - start)) "  " } }
                                    }
                                    @if worker.running > 3 { a href=(jobs_link(&visit.base, &format!("state:running worker:{}", worker.id))) { "all" } }
                                }
                                td .phone-off { (words::cut(&worker.build, 30)) span .under { "plain-worker " (worker.version) } }
                                td .num { @if worker.alive { (words::when(worker.heartbeat_at, now)) } @else { span .dead { "lost, " (words::when(worker.heartbeat_at, now)) } } }
                                td .num .phone-off { (words::when(worker.started_at, now)) }
                                td .num { @if visit.may(Action::Pause) && worker.alive { (pause_button(&visit, &target, pause, &worker.host)) } }
                            }
                        }
                    }
                } }
            }
        }
    };
    Ok(html_answer(frame(&visit, "/workers", "Workers", body)))
}
