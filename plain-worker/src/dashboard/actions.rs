//! Changes to one thing: a job, or what is paused. Each is noted in the audit.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;

use super::auth::Action;
use super::guard::Visit;
use super::layout::Trouble;
use super::state::State;
use crate::change::JobChange;
use crate::queue::Queue;
use crate::record::{JobFilter, JobId};
use crate::status::JobState;

#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    token: String,
    #[serde(default)]
    target: String,
}

/// Whether a form is ours: it sends what its visitor's cookie says.
pub(super) fn check_token(visit: &Visit, sent: &str) -> Result<(), Trouble> {
    if !sent.is_empty() && sent == visit.token {
        return Ok(());
    }
    Err(Trouble::new(StatusCode::FORBIDDEN, "This form is not from these pages, or is too old: load the page again."))
}

/// What is done to a job, or to many.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Retry,
    Cancel,
    Delete,
    RunNow,
    Change(JobChange),
}

/// How a form says what is to be done: the name of the deed, and for a change what there is to change.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    pub(super) action: String,
    pub(super) priority: String,
    pub(super) queue: String,
    /// `now`, a time from now such as `10m`, or an instant.
    pub(super) due: String,
}

impl Wish {
    /// The deed; none by that name is `None`.
    pub(super) fn deed(&self) -> Result<Option<Deed>, Trouble> {
        Ok(Some(match self.action.as_str() {
            "retry" => Deed::Retry,
            "cancel" => Deed::Cancel,
            "delete" => Deed::Delete,
            "run" => Deed::RunNow,
            "change" => Deed::Change(self.change().map_err(|wrong| Trouble::new(StatusCode::BAD_REQUEST, wrong))?),
            _ => return Ok(None),
        }))
    }

    fn change(&self) -> Result<JobChange, String> {
        let mut change = JobChange::new();
        let [priority, queue, due] = [&self.priority, &self.queue, &self.due].map(|text| text.trim());
        if !priority.is_empty() {
            let number = priority.parse();
            change = change.priority(
                number.map_err(|_| format!("`{priority}` is no priority: give a number from -32768 to 32767."))?,
            );
        }
        if !queue.is_empty() {
            change = change.queue(queue);
        }
        if due == "now" {
            change = change.run_now();
        } else if let Ok(delay) = humantime::parse_duration(due) {
            change = change.delay(delay);
        } else if !due.is_empty() {
            let wall = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
                .iter()
                .find_map(|form| NaiveDateTime::parse_from_str(due, form).ok());
            let at = due.parse::<DateTime<Utc>>().ok().or_else(|| wall.map(|wall| wall.and_utc()));
            change = change.run_at(at.ok_or_else(|| {
                format!("`{due}` is no time: write `now`, a time from now such as `10m`, or an instant such as 2026-12-01T09:00:00Z.")
            })?);
        }
        Ok(change)
    }
}

impl Deed {
    pub(super) fn needs(&self) -> Action {
        match self {
            Self::Retry => Action::Retry,
            Self::Cancel => Action::Cancel,
            Self::Delete => Action::Delete,
            Self::RunNow => Action::RunNow,
            Self::Change(_) => Action::Edit,
        }
    }

    /// As the audit and buttons name it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
            Self::RunNow => "run now",
            Self::Change(_) => "change",
        }
    }

    /// The states in which a job can be so treated; none: in all.
    pub(super) fn states(&self) -> Vec<JobState> {
        use JobState::{Blocked, Parked, Ready, Retrying, Running, Scheduled};
        match self {
            Self::Retry => Vec::new(),
            Self::Cancel => vec![Ready, Scheduled, Retrying, Blocked, Parked, Running],
            Self::Delete | Self::Change(_) => vec![Ready, Scheduled, Retrying, Blocked, Parked],
            Self::RunNow => vec![Scheduled, Retrying],
        }
    }

    /// Does it to one job; whether anything changed.
    pub(super) async fn act(&self, queue: &Queue, id: JobId, by: &str) -> crate::Result<bool> {
        use crate::{CancelAnswer, RetryAnswer};
        match self {
            Self::Retry => queue.retry(id).await.map(|answer| answer == RetryAnswer::Ready),
            Self::Cancel => queue.cancel_by(id, by).await.map(|answer| !matches!(answer, CancelAnswer::Ended(_))),
            Self::Delete => {
                let filter = JobFilter::new().matching(&format!("id:{id}"));
                let filter = filter.map_err(|error| crate::Error::Setting(error.to_string()))?;
                queue.purge(filter).await.map(|count| count > 0)
            }
            Self::RunNow => queue.change(id, JobChange::new().run_now()).await,
            Self::Change(change) => queue.change(id, change.clone()).await,
        }
    }
}

fn back(visit: &Visit, path: &str) -> Response {
    Redirect::to(&format!("{}{path}", visit.base)).into_response()
}

/// What the forms of a job's page send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SentToJob {
    token: String,
    priority: String,
    queue: String,
    due: String,
    arguments: String,
}

pub(super) async fn on_job(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path((id, action)): Path<(String, String)>,
    Form(sent): Form<SentToJob>,
) -> Result<Response, Trouble> {
    check_token(&visit, &sent.token)?;
    let unknown = || Trouble::new(StatusCode::NOT_FOUND, "There is no such job or action.");
    let id: JobId = id.parse().map_err(|_| unknown())?;
    let (queue, by) = (state.queue(), visit.person.name());
    if action == "rerun" {
        return rerun(queue, &visit, id, &sent.arguments).await;
    }
    let wish = Wish { action, priority: sent.priority, queue: sent.queue, due: sent.due };
    let deed = wish.deed()?.ok_or_else(unknown)?;
    if !visit.may(deed.needs()) {
        return Err(Trouble::forbidden());
    }
    if deed.act(queue, id, by).await? {
        queue.note_change(by, deed.word(), &id.to_string(), 1).await?;
    }
    Ok(back(&visit, &if matches!(deed, Deed::Delete) { "/jobs".to_owned() } else { format!("/jobs/{id}") }))
}

/// Runs a job again with other arguments, which is a retry and a change at once.
async fn rerun(queue: &Queue, visit: &Visit, id: JobId, arguments: &str) -> Result<Response, Trouble> {
    if !visit.may(Action::Retry) || !visit.may(Action::Edit) {
        return Err(Trouble::forbidden());
    }
    match queue.retry_with(id, arguments).await? {
        crate::RetryAnswer::Ready => {
            queue.note_change(visit.person.name(), "retry with other arguments", &id.to_string(), 1).await?;
            Ok(back(visit, &format!("/jobs/{id}")))
        }
        crate::RetryAnswer::Running => {
            Err(Trouble::new(StatusCode::CONFLICT, "It runs by now: wait for its end, or cancel it."))
        }
        crate::RetryAnswer::KeyHeld(holder) => {
            Err(Trouble::new(StatusCode::CONFLICT, format!("Its unique key is held by job {holder} by now.")))
        }
    }
}

pub(super) async fn pause(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Form(sent): Form<Sent>,
) -> Result<Response, Trouble> {
    change_pause(&state, &visit, &sent, true).await
}

pub(super) async fn resume(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Form(sent): Form<Sent>,
) -> Result<Response, Trouble> {
    change_pause(&state, &visit, &sent, false).await
}

async fn change_pause(state: &State, visit: &Visit, sent: &Sent, pause: bool) -> Result<Response, Trouble> {
    use crate::pause::PauseTarget;
    check_token(visit, &sent.token)?;
    if !visit.may(Action::Pause) {
        return Err(Trouble::forbidden());
    }
    if sent.target.is_empty() {
        return Err(Trouble::new(StatusCode::BAD_REQUEST, "What is to be paused is not said."));
    }
    let Ok(target) = sent.target.parse::<PauseTarget>();
    let page = match &target {
        PauseTarget::Worker(_) => "/workers",
        PauseTarget::Job(_) => "/functions",
        _ => "/queues",
    };
    // The store notes who did it, with the change.
    let by = visit.person.name();
    if pause {
        state.queue().pause(target, by).await?
    } else {
        state.queue().resume(target, by).await?
    };
    Ok(back(visit, page))
}
