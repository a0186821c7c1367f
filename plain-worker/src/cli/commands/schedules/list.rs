use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::super::super::exit::Outcome;
use super::super::super::output::Output;
use super::super::super::shapes::Json;
use super::super::super::text::{exact, line, shown};
use crate::ledger::ScheduleRow;
use crate::queue::Queue;
use crate::record::JobId;
use crate::status::{CatchUp, JobState, Overlap, ScheduleState};

/// How many runs are told ahead.
const AHEAD: usize = 5;

/// One schedule as JSON.
#[derive(Serialize)]
struct Shape<'r> {
    name: &'r str,
    job: &'r str,
    queue: Option<&'r str>,
    arguments: Json<'r>,
    expression: &'r str,
    description: Option<String>,
    timezone: &'r str,
    catch_up: CatchUp,
    overlap: Overlap,
    window_ms: Option<u64>,
    dynamic: bool,
    state: ScheduleState,
    problem: Option<&'r str>,
    paused: bool,
    paused_at: Option<DateTime<Utc>>,
    paused_by: Option<&'r str>,
    next: Vec<Run>,
    last_slot: Option<DateTime<Utc>>,
    last_job: Option<JobId>,
    last_result: Option<JobState>,
    last_error: Option<&'r str>,
    waiting: &'r [DateTime<Utc>],
    skipped: u64,
    last_skip: Option<DateTime<Utc>>,
    skip_reason: Option<&'r str>,
    run_now: Option<JobId>,
}

/// A run to come, in the zone of the schedule and in UTC.
#[derive(Serialize)]
struct Run {
    local: String,
    utc: String,
}

impl<'r> From<&'r ScheduleRow> for Shape<'r> {
    fn from(row: &'r ScheduleRow) -> Self {
        let schedule = row.schedule().ok();
        let next = schedule.iter().flat_map(|schedule| {
            schedule.upcoming(row.now.max(row.settled_at)).take(AHEAD).map(|at| Run {
                local: at.with_timezone(&schedule.zone()).to_rfc3339_opts(SecondsFormat::Secs, false),
                utc: exact(at),
            })
        });
        Self {
            name: &row.name,
            job: &row.job,
            queue: row.queue.as_deref(),
            arguments: Json(&row.arguments),
            expression: &row.expression,
            description: schedule.as_ref().map(|schedule| schedule.describe()),
            timezone: &row.timezone,
            catch_up: row.catch_up,
            overlap: row.overlap,
            window_ms: row.window.map(|window| u64::try_from(window.as_millis()).unwrap_or(u64::MAX)),
            dynamic: row.dynamic,
            state: row.state,
            problem: row.problem.as_deref(),
            paused: row.paused_at.is_some(),
            paused_at: row.paused_at,
            paused_by: row.paused_by.as_deref(),
            next: next.collect(),
            last_slot: row.last_slot,
            last_job: row.last_job,
            last_result: row.last_state,
            last_error: row.last_error.as_deref(),
            waiting: &row.waiting,
            skipped: row.skipped,
            last_skip: row.last_skip,
            skip_reason: row.skip_reason.as_deref(),
            run_now: row.run_now,
        }
    }
}

impl Shape<'_> {
    fn words(&self) -> String {
        let mut words = format!("{}\n", shown(self.name));
        let mut row = |title: &str, text: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(words, "  {title:<10}  {}", shown(&line(text, 200)));
        };
        let description = self.description.as_ref().map_or_else(String::new, |text| format!("  ({text})"));
        row("cron", &format!("{}{description}", self.expression));
        row("zone", self.timezone);
        row("job", &format!("{} {}", self.job, self.arguments.0));
        let by = self.paused_by.filter(|by| !by.is_empty()).map_or_else(String::new, |by| format!(" by {by}"));
        let paused = self.paused_at.map_or_else(String::new, |at| format!("; paused at {}{by}", exact(at)));
        let problem = self.problem.map_or_else(String::new, |problem| format!(": {problem}"));
        row("state", &format!("{}{problem}{paused}", self.state));
        let last = match (self.last_slot, self.last_job) {
            (None, None) => "-".to_owned(),
            (slot, job) => {
                let slot = slot.map_or_else(|| "by hand".to_owned(), exact);
                let result = self.last_result.map_or("pruned", JobState::as_str);
                format!("{slot}, job {}: {result}", job.map_or_else(String::new, |id| id.to_string()))
            }
        };
        row("last run", &last);
        if let Some(error) = self.last_error {
            row("", error);
        }
        if !self.waiting.is_empty() {
            row(
                "waiting",
                &format!("{} for the run before", super::super::super::text::count(self.waiting.len() as u64, "slot")),
            );
        }
        if let (Some(at), Some(reason)) = (self.last_skip, self.skip_reason) {
            row("skipped", &format!("{}, the last at {}: {reason}", self.skipped, exact(at)));
        }
        for (at, run) in self.next.iter().enumerate() {
            row(if at == 0 { "next" } else { "" }, &format!("{}  {}", run.local, run.utc));
        }
        words
    }
}

pub(super) async fn list(queue: &Queue, output: Output) -> Outcome {
    let rows = queue.schedules().list().await?;
    queue.close().await;
    let shapes: Vec<Shape<'_>> = rows.iter().map(Shape::from).collect();
    output.print(&shapes, || {
        if shapes.is_empty() {
            return "no schedules: those in code are listed once a worker has started with them".to_owned();
        }
        shapes.iter().map(Shape::words).collect::<Vec<_>>().join("\n")
    })
}
