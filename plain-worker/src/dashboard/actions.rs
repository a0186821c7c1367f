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
use crate::change::{Change, Requeue};
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

/// What a form wants to be done to a job, or to many.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) needs: Action,
    /// As buttons name it.
    pub(super) word: &'static str,
    pub(super) change: Change,
    /// The states in which it means anything, where that is not for the change to say.
    states: &'static [JobState],
}

impl Deed {
    /// The filter, limited to jobs to which it makes a difference.
    pub(super) fn limit(&self, mut filter: JobFilter) -> JobFilter {
        filter.states = self.states.to_vec();
        self.change.limit(filter)
    }

    /// Whether it would leave everything as it is.
    pub(super) fn is_empty(&self) -> bool {
        self.change == Change::Requeue(Requeue::default())
    }
}

/// How a form says what is to be done: the name of the deed, and what there is to change.
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
    /// The deed at this time; none by that name is `None`.
    pub(super) fn deed(&self, now: DateTime<Utc>) -> Result<Option<Deed>, Trouble> {
        let deed = |needs, word, change| Deed { needs, word, change, states: &[] };
        Ok(Some(match self.action.as_str() {
            "retry" => deed(Action::Retry, "retry", Change::Retry),
            "cancel" => deed(Action::Cancel, "cancel", Change::Cancel),
            "delete" => deed(Action::Delete, "delete", Change::Delete),
            "run" => {
                let change = Change::Requeue(Requeue { due_at: Some(now), ..Requeue::default() });
                let states = &[JobState::Scheduled, JobState::Retrying];
                Deed { needs: Action::RunNow, word: "run", change, states }
            }
            "change" => {
                let change = self.requeue(now).map_err(|wrong| Trouble::new(StatusCode::BAD_REQUEST, wrong))?;
                deed(Action::Edit, "change", Change::Requeue(change))
            }
            _ => return Ok(None),
        }))
    }

    fn requeue(&self, now: DateTime<Utc>) -> Result<Requeue, String> {
        let [priority, queue, due] = [&self.priority, &self.queue, &self.due].map(|text| text.trim());
        let number = (!priority.is_empty()).then(|| priority.parse()).transpose();
        let priority =
            number.map_err(|_| format!("`{priority}` is no priority: give a number from -32768 to 32767."))?;
        let due_at = if due.is_empty() { None } else { Some(moment(due, now)?) };
        Ok(Requeue { queue: (!queue.is_empty()).then(|| queue.to_owned()), priority, due_at })
    }
}

/// The time that somebody wrote.
fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if text == "now" {
        return Ok(now);
    }
    if let Ok(delay) = humantime::parse_duration(text) {
        let delay = chrono::TimeDelta::from_std(delay).ok();
        let at = delay.and_then(|delay| now.checked_add_signed(delay));
        return at.ok_or_else(|| format!("{text} from now is past the end of the calendar."));
    }
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let wall = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    text.parse().ok().or_else(|| wall.map(|wall| wall.and_utc())).ok_or_else(|| {
        format!("`{text}` is no time: write `now`, a time from now such as `10m`, or an instant such as 2026-12-01T09:00:00Z.")
    })
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
    let deed = wish.deed(queue.now().await?)?.ok_or_else(unknown)?;
    if !visit.may(deed.needs) {
        return Err(Trouble::forbidden());
    }
    queue.change(id, &deed.change, by).await?;
    Ok(back(&visit, &if deed.change == Change::Delete { "/jobs".to_owned() } else { format!("/jobs/{id}") }))
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
