//! The same data as JSON: `?format=json` on every list and page.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub(super) fn answer<T: Serialize>(value: &T) -> Response {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
