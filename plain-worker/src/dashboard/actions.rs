//! Changes to one thing: a job, or what is paused. Each is noted in the audit.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::auth::Action;
use super::guard::Visit;
use super::layout::Trouble;
use super::state::State;
use crate::change::Change;
use crate::record::JobId;

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

/// What may be done to a job, by its name in addresses and forms, and the permission that it takes.
pub(super) fn action_named(name: &str) -> Option<(Action, Change)> {
    match name {
        "retry" => Some((Action::Retry, Change::Retry)),
        "cancel" => Some((Action::Cancel, Change::Cancel)),
        "delete" => Some((Action::Delete, Change::Delete)),
        _ => None,
    }
}

fn back(visit: &Visit, path: &str) -> Response {
    Redirect::to(&format!("{}{path}", visit.base)).into_response()
}

pub(super) async fn on_job(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path((id, action)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, Trouble> {
    check_token(&visit, &sent.token)?;
    let unknown = || Trouble::new(StatusCode::NOT_FOUND, "There is no such job or action.");
    let id: JobId = id.parse().map_err(|_| unknown())?;
    let (wanted, change) = action_named(&action).ok_or_else(unknown)?;
    if !visit.may(wanted) {
        return Err(Trouble::forbidden());
    }
    state.queue().change(id, &change, visit.person.name()).await?;
    Ok(back(&visit, &if wanted == Action::Delete { "/jobs".to_owned() } else { format!("/jobs/{id}") }))
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
