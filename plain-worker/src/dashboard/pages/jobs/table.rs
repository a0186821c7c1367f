//! Jobs as a table, and what can be done with many of them.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::super::super::auth::Action;
use super::super::super::guard::Visit;
use super::super::super::layout::badge;
use super::super::super::words;
use super::super::jobs_link;
use super::columns::Columns;
use super::{Asked, shown};
use crate::filter::quoted;
use crate::record::{JobId, JobRow};
use crate::status::JobState;

/// What can be done with many jobs.
const BULK: [(&str, &str, Action); 5] = [
    ("retry", "Retry", Action::Retry),
    ("run", "Run now", Action::RunNow),
    ("change", "Change", Action::Edit),
    ("cancel", "Cancel", Action::Cancel),
    ("delete", "Delete", Action::Delete),
];

pub(super) fn can_change(visit: &Visit) -> bool {
    BULK.into_iter().any(|(_, _, needs)| visit.may(needs))
}

pub(super) fn bulk_bar(visit: &Visit, text: &str) -> Markup {
    html! {
        header {
            div .row {
                span .soft { "With selected" }
                @for (action, name, needs) in BULK {
                    @if visit.may(needs) {
                        button .small .danger[name == "Delete"] name="action" value=(action) data-key=[(action == "retry").then_some("r")] { (name) "…" }
                    }
                }
            }
            @if !text.trim().is_empty() {
                label .row { input type="checkbox" name="all" value="yes"; "all that match, not the selected only" }
            }
        }
    }
}

/// The columns by which a page can be sorted: the name in the link, the head, and the classes of the cells.
const HEADS: [(&str, &str, &str); 6] = [
    ("state", "State", ""),
    ("job", "Job", ""),
    ("queue", "Queue", "phone-off"),
    ("attempt", "Attempt", "num phone-off"),
    ("ran", "Ran", "num"),
    ("when", "When", "num"),
];

/// Sorts the jobs of a page; those of other pages stay there.
pub(super) fn sort(jobs: &mut [JobRow], by: &str, now: DateTime<Utc>) {
    let (by, reverse) = by.strip_prefix('-').map_or((by, false), |rest| (rest, true));
    match by {
        "state" => jobs.sort_by_key(|job| job.state),
        "job" => jobs.sort_by(|a, b| a.job.cmp(&b.job)),
        "queue" => jobs.sort_by(|a, b| a.queue.cmp(&b.queue)),
        "attempt" => jobs.sort_by_key(|job| job.attempt),
        "ran" => jobs.sort_by_key(|job| job.started_at.map(|start| job.ended_at.unwrap_or(now) - start)),
        "when" => jobs.sort_by_key(moment),
        _ => return,
    }
    if reverse {
        jobs.reverse();
    }
}

/// A table of jobs without anything to choose or to sort.
pub(in crate::dashboard) fn plain(visit: &Visit, jobs: &[JobRow], now: DateTime<Utc>) -> Markup {
    html! {
        table {
            thead { tr { @for (_, title, class) in HEADS { th class=(class) { (title) } } } }
            tbody { @for job in jobs { (row(visit, &shown(visit, job.clone()), now, None)) } }
        }
    }
}

/// The table of a page, its jobs as the visitor may see them.
pub(super) fn table(visit: &Visit, jobs: &[JobRow], now: DateTime<Utc>, asked: &Asked, columns: &Columns) -> Markup {
    html! {
        table {
            thead {
                tr {
                    @if can_change(visit) { th .check { input type="checkbox" data-all aria-label="Select all of this page"; } }
                    @for (name, title, class) in HEADS { (head(visit, asked, name, title, class)) }
                    @for name in columns.names() { th .mono { (words::cut(name, 30)) } }
                }
            }
            tbody { @for job in jobs { (row(visit, job, now, Some(columns))) } }
        }
    }
}

/// The head of a column, which sorts the page: up, down, and not at all.
fn head(visit: &Visit, asked: &Asked, name: &str, title: &str, class: &str) -> Markup {
    let down = format!("-{name}");
    let (next, mark, sorted) = match asked.sort.as_str() {
        sort if sort == name => (down.as_str(), " ↑", Some("ascending")),
        sort if sort == down => ("", " ↓", Some("descending")),
        _ => (name, "", None),
    };
    let path = asked.link(&visit.base, |changed| {
        next.clone_into(&mut changed.sort);
        changed.after = asked.after;
    });
    html! { th class=(class) aria-sort=[sorted] { a .sort href=(path) title="Sort this page" { (title) (mark) } } }
}

fn row(visit: &Visit, job: &JobRow, now: DateTime<Utc>, columns: Option<&Columns>) -> Markup {
    let path = format!("{}/jobs/{}", visit.base, job.id);
    html! {
        tr data-href=(path) {
            @if columns.is_some() && can_change(visit) {
                td .check { input type="checkbox" name="id" value=(job.id) aria-label={ "Select " (job.job) " " (job.id) }; }
            }
            td { (badge(job.state)) }
            td .wide {
                a href=(path) { (words::cut(&job.job, 60)) }
                @if let (Some(error), true) = (&job.error, matches!(job.state, JobState::Dead | JobState::Retrying | JobState::Parked)) {
                    span .under .err title=(words::cut(error, 400)) { (words::cut(words::first_line(error), 90)) }
                } @else {
                    span .under .mono { (words::cut(&job.arguments, 90)) }
                }
            }
            td .phone-off { a href=(jobs_link(&visit.base, &format!("queue:{}", quoted(&job.queue)))) { (words::cut(&job.queue, 30)) } }
            td .num .phone-off { (job.attempt) span .soft { " of " (i64::from(job.retries) + 1) } }
            td .num { (ran(job, now)) }
            td .num { (words::when(moment(job), now)) }
            @if let Some(columns) = columns {
                @for value in columns.values(job) { td .wide .mono title=(words::cut(&value, 400)) { (words::cut(&value, 60)) } }
            }
        }
    }
}

/// How long the latest attempt ran, or runs.
fn ran(job: &JobRow, now: DateTime<Utc>) -> String {
    job.started_at.map_or_else(|| "–".to_owned(), |start| words::span(job.ended_at.unwrap_or(now) - start))
}

/// The time that matters in the job's state.
fn moment(job: &JobRow) -> DateTime<Utc> {
    match job.state {
        JobState::Running => job.started_at.unwrap_or(job.due_at),
        state if state.is_final() => job.ended_at.unwrap_or(job.due_at),
        _ => job.due_at,
    }
}

pub(super) fn pager(visit: &Visit, asked: &Asked, next: Option<JobId>) -> Markup {
    let oldest = asked.order == "oldest";
    let turned = asked.link(&visit.base, |asked| (if oldest { "" } else { "oldest" }).clone_into(&mut asked.order));
    html! {
        div .pager {
            div .row {
                @if asked.after.is_some() { a .button href=(asked.link(&visit.base, |_| {})) { "First page" } }
                a .button href=(turned) { @if oldest { "Newest first" } @else { "Oldest first" } }
            }
            @if let Some(next) = next {
                a .button rel="next" href=(asked.link(&visit.base, |asked| asked.after = Some(next))) { @if oldest { "Newer" } @else { "Older" } }
            }
        }
    }
}
