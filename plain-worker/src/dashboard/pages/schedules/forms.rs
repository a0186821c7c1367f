//! What people do with schedules: buttons, the forms of new and changed ones, and what they send.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::super::actions::check_token;
use super::super::super::auth::Action;
use super::super::super::guard::Visit;
use super::super::super::layout::{Trouble, banner, html_answer, token};
use super::super::super::state::State;
use super::super::jobs::{has_redacted, known_jobs};
use super::{detail, link, list};
use crate::error::Error;
use crate::ledger::ScheduleRow;
use crate::queue::{NewSchedule, Queue, ScheduleChange};
use crate::schedule::Schedule;
use crate::status::{CatchUp, Overlap, ScheduleState};

/// What a form sends; what is left out stays as it is, or has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::dashboard) struct Sent {
    token: String,
    name: String,
    job: String,
    expression: String,
    timezone: String,
    arguments: String,
    catch_up: String,
    overlap: String,
    back: String,
}

/// The buttons of what this visitor may do with a schedule.
pub(super) fn buttons(visit: &Visit, row: &ScheduleRow, small: bool) -> Markup {
    let action = |name: &str, text: &str| {
        html! {
            form .inline method="post" action={ (link(&visit.base, &row.name)) "/" (name) } {
                (token(visit))
                @if small { input type="hidden" name="back" value="list"; }
                button .small[small] aria-label={ (text) " " (row.name) } { (text) }
            }
        }
    };
    let runs = !matches!(row.state, ScheduleState::Stopped | ScheduleState::Broken) && row.run_now.is_none();
    let removable = row.dynamic || row.state == ScheduleState::Stopped;
    html! {
        @if visit.may(Action::RunNow) && runs { (action("run", "Run now")) " " }
        @if visit.may(Action::Pause) {
            @if row.paused_at.is_some() { (action("resume", "Resume")) } @else { (action("pause", "Pause")) }
        }
        @if visit.may(Action::Delete) && removable && !small {
            details .menu {
                summary .button { "Delete…" }
                form method="post" action={ (link(&visit.base, &row.name)) "/remove" } {
                    (token(visit))
                    p { "Its jobs that wait are cancelled; those that ended stay." }
                    button .danger { "Delete " (row.name) }
                }
            }
        }
    }
}

/// The form of a new schedule, as it was sent if it was refused.
pub(super) async fn new(queue: &Queue, visit: &Visit, refused: Option<(&Sent, &str)>) -> crate::Result<Markup> {
    let jobs = known_jobs(queue).await?;
    let empty = Sent::default();
    let sent = refused.map_or(&empty, |(sent, _)| sent);
    Ok(html! {
        details .panel open[refused.is_some()] {
            summary { "Add a schedule" }
            form .fields method="post" action={ (visit.base) "/schedules" } {
                (token(visit))
                @if let Some((_, complaint)) = refused { (banner("bad", html! { pre { (complaint) } })) }
                (text("name", "Name", &sent.name, "nightly-report"))
                label { span { "Job" } input type="text" name="job" value=(sent.job) list="known-jobs" required autocomplete="off"; }
                datalist #known-jobs { @for job in jobs.iter().take(500) { option value=(job) {} } }
                (times(sent))
                (policies(&sent.catch_up, &sent.overlap))
                (arguments(&sent.arguments, "{}"))
                button .main { "Add" }
            }
        }
    })
}

/// The form that changes a schedule, as it was sent if it was refused.
pub(super) fn change(visit: &Visit, row: &ScheduleRow, refused: Option<(&Sent, &str)>) -> Markup {
    // What is hidden here must not be written back.
    let shows = visit.may(Action::ViewArguments) && !has_redacted(&row.job);
    let current = Sent {
        expression: row.expression.clone(),
        timezone: row.timezone.clone(),
        arguments: if shows { row.arguments.clone() } else { String::new() },
        catch_up: row.catch_up.to_string(),
        overlap: row.overlap.to_string(),
        ..Sent::default()
    };
    let sent = refused.map_or(&current, |(sent, _)| sent);
    html! {
        details .panel #change open[refused.is_some()] {
            summary { "Change it" }
            form .fields method="post" action={ (link(&visit.base, &row.name)) "/change" } {
                (token(visit))
                @if let Some((_, complaint)) = refused { (banner("bad", html! { pre { (complaint) } })) }
                (times(sent))
                (policies(&sent.catch_up, &sent.overlap))
                (arguments(&sent.arguments, "as they are"))
                button .main { "Change" }
            }
        }
    }
}

fn text(name: &str, label: &str, value: &str, hint: &str) -> Markup {
    html! { label { span { (label) } input type="text" name=(name) value=(value) placeholder=(hint) required autocomplete="off" spellcheck="false"; } }
}

fn times(sent: &Sent) -> Markup {
    let zone = if sent.timezone.is_empty() { "UTC" } else { &sent.timezone };
    html! { (text("expression", "Cron expression", &sent.expression, "0 9 * * MON-FRI")) (text("timezone", "Time zone", zone, "Europe/Berlin")) }
}

fn policies(catch_up: &str, overlap: &str) -> Markup {
    let choice = |name: &str, label: &str, words: Vec<&str>, chosen: &str| {
        html! {
            label { span { (label) } select name=(name) { @for word in words { option value=(word) selected[word == chosen] { (word) } } } }
        }
    };
    html! {
        (choice("catch_up", "Slots missed in a downtime", CatchUp::ALL.iter().map(|word| word.as_str()).collect(), catch_up))
        (choice("overlap", "While the run before goes on", Overlap::ALL.iter().map(|word| word.as_str()).collect(), overlap))
    }
}

fn arguments(value: &str, hint: &str) -> Markup {
    html! { label .whole { span { "Arguments as JSON" } textarea name="arguments" rows="4" placeholder=(hint) spellcheck="false" { (value) } } }
}

/// What is wrong with what was sent, for the person who sent it; other errors are no matter of the form.
fn complaint(error: Error) -> Result<String, Trouble> {
    match error {
        Error::Schedule { .. } | Error::UnknownJob { .. } | Error::Refused(_) | Error::Setting(_) => {
            Ok(error.to_string())
        }
        error => Err(error.into()),
    }
}

impl Sent {
    fn schedule(&self) -> Result<Schedule, Error> {
        Schedule::parse_in(&self.expression, self.timezone.trim()).map_err(|error| Error::Setting(error.to_string()))
    }

    /// A word of a list; none where none was sent.
    fn word<T: std::str::FromStr<Err = crate::UnknownWord>>(text: &str) -> Result<Option<T>, Error> {
        let word = (!text.is_empty()).then(|| text.parse()).transpose();
        word.map_err(|error: crate::UnknownWord| Error::Setting(error.to_string()))
    }

    fn new_schedule(&self) -> Result<NewSchedule, Error> {
        let mut new = NewSchedule::by_name(self.name.trim(), self.schedule()?, self.job.trim());
        if let Some(catch_up) = Self::word(&self.catch_up)? {
            new = new.catch_up(catch_up);
        }
        if let Some(overlap) = Self::word(&self.overlap)? {
            new = new.overlap(overlap);
        }
        let arguments = self.arguments.trim();
        Ok(if arguments.is_empty() { new } else { new.arguments(arguments) })
    }

    fn change(&self) -> Result<ScheduleChange, Error> {
        let mut change = ScheduleChange::new().schedule(self.schedule()?);
        if let Some(catch_up) = Self::word(&self.catch_up)? {
            change = change.catch_up(catch_up);
        }
        if let Some(overlap) = Self::word(&self.overlap)? {
            change = change.overlap(overlap);
        }
        let arguments = self.arguments.trim();
        Ok(if arguments.is_empty() { change } else { change.arguments(arguments) })
    }
}

/// Adds a schedule.
pub(in crate::dashboard) async fn add(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Form(sent): Form<Sent>,
) -> Result<Response, Trouble> {
    check_token(&visit, &sent.token)?;
    if !visit.may(Action::Edit) {
        return Err(Trouble::forbidden());
    }
    let schedules = state.queue().schedules().by(visit.person.name());
    let added = match sent.new_schedule() {
        Ok(new) => schedules.add(new).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(()) => Ok(Redirect::to(&link(&visit.base, sent.name.trim())).into_response()),
        Err(error) => {
            let page = list(&state, &visit, Some((&sent, &complaint(error)?))).await?;
            Ok((StatusCode::BAD_REQUEST, html_answer(page)).into_response())
        }
    }
}

/// Does something with one schedule.
pub(in crate::dashboard) async fn act(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Path((name, action)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, Trouble> {
    check_token(&visit, &sent.token)?;
    let needed = match action.as_str() {
        "pause" | "resume" => Action::Pause,
        "run" => Action::RunNow,
        "remove" => Action::Delete,
        "change" => Action::Edit,
        _ => return Err(Trouble::new(StatusCode::NOT_FOUND, "There is no such action.")),
    };
    if !visit.may(needed) {
        return Err(Trouble::forbidden());
    }
    // The door notes who did it, with the change.
    let schedules = state.queue().schedules().by(visit.person.name());
    match action.as_str() {
        "pause" => schedules.pause(&name).await?,
        "resume" => schedules.resume(&name).await?,
        "run" => drop(schedules.run_now(&name).await?),
        "remove" => {
            schedules.remove(&name).await?;
            return Ok(Redirect::to(&format!("{}/schedules", visit.base)).into_response());
        }
        _ => {
            let changed = match sent.change() {
                Ok(change) => schedules.change(&name, change).await,
                Err(error) => Err(error),
            };
            if let Err(error) = changed {
                let page = detail::draw(&state, &visit, &name, Some((&sent, &complaint(error)?))).await?;
                return Ok((StatusCode::BAD_REQUEST, html_answer(page)).into_response());
            }
        }
    }
    let to = if sent.back == "list" { format!("{}/schedules", visit.base) } else { link(&visit.base, &name) };
    Ok(Redirect::to(&to).into_response())
}
