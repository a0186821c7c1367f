//! What all pages have: the frame, the marks of states, and what to show when something is wrong.

use axum::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::assets;
use super::guard::Visit;
use crate::error::Error;
use crate::status::JobState;

/// The pages in the order of the navigation.
const PAGES: [(&str, &str); 7] = [
    ("/", "Monitoring"),
    ("/jobs", "Jobs"),
    ("/schedules", "Schedules"),
    ("/queues", "Queues"),
    ("/workers", "Workers"),
    ("/functions", "Functions"),
    ("/audit", "Audit"),
];

/// A whole page; `here` is the path of its entry in the navigation.
pub(super) fn page(visit: &Visit, here: &str, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-base=(visit.base) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · plain-worker" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href={ (visit.base) "/assets/" (assets::style()) };
                script defer src={ (visit.base) "/assets/" (assets::script()) } {}
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                nav aria-label="Pages" {
                    a .brand href={ (visit.base) "/" } { "plain-worker" }
                    ul {
                        @for (path, name) in PAGES {
                            li { a href={ (visit.base) (path) } aria-current=[(path == here).then_some("page")] { (name) } }
                        }
                    }
                    p .who { (visit.person.name()) " " kbd title="Keys" { "?" } }
                }
                main #main { (body) }
                (keys())
            }
        }
    }
}

fn keys() -> Markup {
    let all = [
        ("/", "search"),
        ("j", "down"),
        ("k", "up"),
        ("Enter", "open"),
        ("x", "select"),
        ("r", "retry"),
        ("g", "and m, j, s, q, w, f or a: the pages"),
        ("t", "light, dark, as the system"),
        ("?", "this help"),
    ];
    html! {
        dialog aria-label="Keys" {
            h2 { "Keys" }
            dl .facts { @for (key, does) in all { dt { kbd { (key) } } dd { (does) } } }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// A state as its mark and word; the colour says the same.
pub(super) fn badge(state: JobState) -> Markup {
    let mark = match state {
        JobState::Ready => "●",
        JobState::Scheduled => "◷",
        JobState::Retrying => "↻",
        JobState::Blocked => "⏸",
        JobState::Parked => "◇",
        JobState::Running => "▶",
        JobState::Succeeded => "✓",
        JobState::Dead => "✕",
        JobState::Cancelled => "⊘",
        JobState::Expired => "⌛",
    };
    html! { span .badge .(state.as_str()) { span .mark aria-hidden="true" { (mark) } (state.as_str()) } }
}

/// The hidden field that shows that a form is ours.
pub(super) fn token(visit: &Visit) -> Markup {
    html! { input type="hidden" name="token" value=(visit.token); }
}

/// A line of warning or information above the content.
pub(super) fn banner(kind: &'static str, content: Markup) -> Markup {
    html! { div .banner .(kind) role=(if kind == "bad" { "alert" } else { "status" }) { (content) } }
}

/// An icon-free empty state that says what to do next.
pub(super) fn empty(title: &str, hint: Markup) -> Markup {
    html! { div .empty { strong { (title) } p { (hint) } } }
}

/// What a handler could not do, as a page.
pub(super) struct Trouble(StatusCode, String);

impl Trouble {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self(status, text.into())
    }

    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "You may not do this.")
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::NoSuchJob { .. } | Error::NoSuchSchedule { .. } => StatusCode::NOT_FOUND,
            Error::Schedule { .. } | Error::UnknownJob { .. } | Error::Refused(_) | Error::Setting(_) => {
                StatusCode::BAD_REQUEST
            }
            Error::Unavailable { .. } | Error::TooLong { .. } | Error::Conflict { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::warn!(%error, "a page could not be shown");
        Self(status, error.to_string())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let Self(status, text) = self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (status.as_u16()) " · plain-worker" }
                }
                body { main { h1 { (status.canonical_reason().unwrap_or("Trouble")) } p { (text) } } }
            }
        };
        (status, html_answer(page)).into_response()
    }
}

/// A page as an answer.
pub(super) fn html_answer(page: Markup) -> Response {
    axum::response::Html(page.into_string()).into_response()
}

pub(super) type Page = Result<Response, Trouble>;

pub(super) async fn nowhere(visit: Option<Extension<Visit>>) -> Response {
    let Some(Extension(visit)) = visit else { return StatusCode::NOT_FOUND.into_response() };
    let body = html! {
        h1 { "Nothing here" }
        (empty("There is no page at this address.", html! { a href={ (visit.base) "/jobs" } { "Search the jobs" } }))
    };
    (StatusCode::NOT_FOUND, html_answer(page(&visit, "", "Nothing here", body))).into_response()
}

/// A blank that does not break, between a number and its unit.
pub(super) const BLANK: PreEscaped<&str> = PreEscaped("&nbsp;");
