//! For machines: whether it lives, whether it can work, and the figures.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::layout::Trouble;
use super::state::State;

pub(super) async fn alive() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(Shared(state): Shared<State>) -> Response {
    match state.queue().ping().await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            // The text names the database: it goes to the log, not to whoever asks.
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer as it must\n").into_response()
        }
    }
}

pub(super) async fn metrics(Shared(state): Shared<State>) -> Result<Response, Trouble> {
    let text = state.queue().metrics().await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
