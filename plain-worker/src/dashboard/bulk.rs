//! Changes to many jobs: what they would be, the confirmation, and how far they are.

use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, RawForm, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::actions::{Deed, Wish, check_token};
use super::guard::Visit;
use super::layout::{Page, Trouble, banner, html_answer, page as frame, token};
use super::pages::jobs::{readable, table};
use super::pages::{PATIENCE, jobs_link};
use super::state::State;
use super::words;
use crate::change::Change;
use crate::queue::{BulkChange, Queue};
use crate::record::{JobFilter, JobId};

/// Jobs that one bulk action takes at most; the next one takes the next.
const MOST: usize = 10_000;
/// How many bulk actions are remembered.
const REMEMBERED: usize = 100;

/// How far a bulk action is.
#[derive(Clone, Debug)]
pub(super) struct Bulk {
    action: String,
    of: String,
    total: usize,
    seen: usize,
    changed: u64,
    trouble: Option<String>,
    done: bool,
}

/// The fields of a bulk form; `id` may come many times.
#[derive(Default)]
struct Fields {
    token: String,
    wish: Wish,
    q: String,
    all: bool,
    count: Option<usize>,
    ids: Vec<JobId>,
}

impl Fields {
    fn read(form: &[u8]) -> Result<Self, Trouble> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form)
            .map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, format!("The form cannot be read: {error}")))?;
        let mut fields = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "token" => fields.token = value,
                "action" => fields.wish.action = value,
                "priority" => fields.wish.priority = value,
                "queue" => fields.wish.queue = value,
                "due" => fields.wish.due = value,
                "q" => fields.q = value,
                "all" => fields.all = value == "yes",
                "count" => fields.count = value.parse().ok(),
                "id" => fields.ids.extend(value.parse::<JobId>().ok()),
                _ => {}
            }
        }
        fields.ids.truncate(MOST);
        Ok(fields)
    }

    fn checked(&self, visit: &Visit, now: DateTime<Utc>) -> Result<Deed, Trouble> {
        check_token(visit, &self.token)?;
        let unsaid = || Trouble::new(StatusCode::BAD_REQUEST, "What is to be done is not said.");
        let deed = self.wish.deed(now)?.ok_or_else(unsaid)?;
        if !visit.may(deed.needs) {
            return Err(Trouble::forbidden());
        }
        if self.all && self.q.trim().is_empty() {
            return Err(Trouble::new(
                StatusCode::BAD_REQUEST,
                "A change of everything needs a filter: write one first.",
            ));
        }
        if !self.all && self.ids.is_empty() {
            return Err(Trouble::new(StatusCode::BAD_REQUEST, "No job is selected."));
        }
        Ok(deed)
    }

    /// What it is about, for people.
    fn subject(&self) -> String {
        if self.all { format!("jobs where {}", self.q.trim()) } else { format!("{} selected jobs", self.ids.len()) }
    }

    /// The ids that it is about now.
    async fn choose(&self, queue: &Queue, visit: &Visit, deed: &Deed) -> Result<Vec<JobId>, Trouble> {
        if !self.all {
            return Ok(self.ids.clone());
        }
        let filter = readable(visit, &self.q)?
            .map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, error.message().to_owned()))?;
        if filter.is_empty() {
            return Err(Trouble::new(
                StatusCode::BAD_REQUEST,
                "A change of everything needs a filter: write one first.",
            ));
        }
        let mut wanted = JobFilter::new().within(PATIENCE * 3);
        wanted.matching = Some(filter);
        let wanted = deed.limit(wanted);
        let mut ids: Vec<JobId> = Vec::new();
        while ids.len() < MOST {
            let piece = queue.list(wanted.clone(), ids.last().copied(), 1_000).await?;
            let short = piece.len() < 1_000;
            ids.extend(piece.iter().map(|job| job.id));
            if short {
                break;
            }
        }
        ids.truncate(MOST);
        Ok(ids)
    }
}

/// What would be done, and to how many.
pub(super) async fn preview(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    RawForm(form): RawForm,
) -> Page {
    let fields = Fields::read(&form)?;
    let now = state.queue().now().await?;
    let deed = fields.checked(&visit, now)?;
    let ids = fields.choose(state.queue(), &visit, &deed).await?;
    let mut first = Vec::new();
    for id in ids.iter().take(10) {
        first.extend(state.queue().job(*id).await?);
    }
    let count = words::grouped(ids.len() as u64);
    let body = html! {
        h1 { (capital(deed.word)) " " (count) " jobs?" }
        @if fields.all { p { "All that match " code { (fields.q) } @if ids.len() == MOST { ", the newest " (count) " of them" } "." } }
        @if deed.change == Change::Delete { (banner("warn", html! { "Deleted jobs leave no history. What runs stays." })) }
        section .panel { div .scroll { (table(&visit, &first, now)) } @if ids.len() > first.len() { p .empty { "and " (words::grouped((ids.len() - first.len()) as u64)) " more" } } }
        form method="post" action={ (visit.base) "/bulk" } {
            (token(&visit))
            input type="hidden" name="action" value=(fields.wish.action);
            input type="hidden" name="q" value=(fields.q);
            input type="hidden" name="count" value=(ids.len());
            @if fields.all { input type="hidden" name="all" value="yes"; } @else { @for id in &ids { input type="hidden" name="id" value=(id); } }
            @if deed.word == "change" { (change_fields(&fields.wish)) }
            div .row {
                @if !ids.is_empty() { button .main { (capital(deed.word)) " " (count) " jobs" } }
                a .button href=(jobs_link(&visit.base, &fields.q)) { "Back" }
            }
        }
    };
    Ok(html_answer(frame(&visit, "/jobs", "Confirm", body)))
}

/// What can be changed about jobs that wait.
pub(super) fn change_fields(wish: &Wish) -> Markup {
    html! {
        div .fields {
            label { span { "Priority" } input type="number" name="priority" min="-32768" max="32767" value=(wish.priority) placeholder="as it is"; }
            label { span { "Queue" } input type="text" name="queue" value=(wish.queue) placeholder="as it is" autocomplete="off"; }
            label { span { "Due" } input type="text" name="due" value=(wish.due) placeholder="as it is; now, 10m, 2026-12-01 09:00 (UTC)" autocomplete="off"; }
        }
    }
}

fn capital(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// Starts it, if it is still about as many jobs as were confirmed, or fewer.
pub(super) async fn start(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    RawForm(form): RawForm,
) -> Result<Response, Trouble> {
    let fields = Fields::read(&form)?;
    let now = state.queue().now().await?;
    let deed = fields.checked(&visit, now)?;
    if deed.is_empty() {
        return Err(Trouble::new(
            StatusCode::BAD_REQUEST,
            "What is to be changed is not said: give a priority, a queue or a time.",
        ));
    }
    let confirmed = fields.count.ok_or_else(|| {
        Trouble::new(StatusCode::BAD_REQUEST, "How many jobs this is about was not confirmed: begin at the list.")
    })?;
    let ids = fields.choose(state.queue(), &visit, &deed).await?;
    if ids.len() > confirmed {
        let text = format!(
            "{} jobs match by now, {confirmed} were confirmed; nothing was changed. Begin again at the list.",
            ids.len()
        );
        return Err(Trouble::new(StatusCode::CONFLICT, text));
    }
    let bulk = Bulk {
        action: deed.word.to_owned(),
        of: fields.subject(),
        total: ids.len(),
        seen: 0,
        changed: 0,
        trouble: None,
        done: false,
    };
    let number = {
        let mut bulks = state.bulks();
        let number = bulks.last_key_value().map_or(1, |(last, _)| last + 1);
        while bulks.len() >= REMEMBERED {
            bulks.pop_first();
        }
        bulks.insert(number, bulk);
        number
    };
    let change = BulkChange::of_jobs(deed.change, ids).about(fields.subject()).by(visit.person.name());
    tokio::spawn(work(state.clone(), number, change));
    Ok(Redirect::to(&format!("{}/bulk/{number}", visit.base)).into_response())
}

async fn work(state: State, number: u64, change: BulkChange) {
    let note = |change: &dyn Fn(&mut Bulk)| state.bulks().get_mut(&number).map(change);
    let done = change
        .run(state.queue(), |progress| {
            note(&|bulk| {
                (bulk.seen, bulk.changed) = (usize::try_from(progress.seen).unwrap_or(usize::MAX), progress.changed);
                bulk.trouble.clone_from(&progress.trouble);
            });
        })
        .await;
    note(&|bulk| {
        bulk.trouble = done.as_ref().err().map(ToString::to_string).or(bulk.trouble.take());
        bulk.done = true;
    });
}

/// How far it is.
pub(super) async fn progress(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<u64>,
) -> Page {
    let bulk = state.bulks().get(&number).cloned();
    let bulk = bulk.ok_or_else(|| {
        Trouble::new(StatusCode::NOT_FOUND, "This change is not remembered here; the audit has those that ended.")
    })?;
    let body = html! {
        h1 { (capital(&bulk.action)) ": " (bulk.of) }
        @if let Some(trouble) = &bulk.trouble { (banner("bad", html! { (trouble) })) }
        section .panel {
            div .body {
                progress max=(bulk.total.max(1)) value=(bulk.seen) {}
                p { (words::grouped(bulk.seen as u64)) " of " (words::grouped(bulk.total as u64)) " looked at, " (words::grouped(bulk.changed)) " changed" @if bulk.done { "; done." } @else { "…" } }
                a .button href={ (visit.base) "/jobs" } { "Jobs" }
            }
        }
    };
    let page = html_answer(frame(&visit, "/jobs", "Progress", body));
    // Without script, too, the page follows what it shows.
    let every = Duration::from_secs(1).as_secs().to_string();
    Ok(if bulk.done { page } else { ([("refresh", every)], page).into_response() })
}
