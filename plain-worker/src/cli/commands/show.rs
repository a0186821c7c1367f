use std::fmt::Write;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Code, Failure, Outcome};
use super::super::log::Level;
use super::super::output::{Column, Output, print, table};
use super::super::settings::{Settings, Tables};
use super::super::shapes::{AttemptShape, JobShape};
use super::super::text;
use super::super::values::yes_or_no;
use crate::error::Error;
use crate::queue::Queue;
use crate::record::{AttemptRow, JobId, JobRow};
use crate::status::JobState;
use crate::telling::AttemptLog;

/// How often a watched job is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Show one job, with all its attempts
#[derive(Debug, Args)]
pub(in super::super) struct Show {
    /// The job's id, as `enqueue` and `list` print it
    #[arg(value_name = "ID")]
    id: JobId,
    /// Also what its attempts logged
    #[arg(long, env = "PLAIN_WORKER_SHOW_LOGS", value_parser = yes_or_no())]
    logs: bool,
    /// Follow it to its end, a line for each change; exit code 1 if it does not succeed
    #[arg(long, env = "PLAIN_WORKER_SHOW_WATCH", value_parser = yes_or_no())]
    watch: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape<'r> {
    #[serde(flatten)]
    job: JobShape<'r>,
    why: Option<&'r str>,
    attempts: Vec<AttemptShape<'r>>,
    /// With `--logs` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<&'r [AttemptLog]>,
}

/// All that is known of a job at one moment.
struct Seen {
    job: JobRow,
    why: Option<String>,
    attempts: Vec<AttemptRow>,
    logs: Option<Vec<AttemptLog>>,
}

impl Show {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let ended = if self.watch { Some(self.follow(&queue).await?) } else { None };
        let seen = self.look(&queue).await?;
        queue.close().await;
        if self.watch && self.output.json {
            line(&seen)?;
        } else {
            self.output.print(&seen.shape(), || seen.words())?;
        }
        Ok(if ended.is_none_or(|state| state == JobState::Succeeded) { Code::Done } else { Code::Failed })
    }

    async fn look(&self, queue: &Queue) -> Result<Seen, Failure> {
        let Some(job) = queue.job(self.id).await? else {
            return Err(Error::NoSuchJob { id: self.id, database: queue.describe() }.into());
        };
        let attempts = queue.attempts(self.id).await?;
        let why = queue.why(&job).await?;
        let logs = if self.logs { Some(queue.logs(self.id).await?) } else { None };
        Ok(Seen { job, why, attempts, logs })
    }

    /// Prints each change until the job has ended for good, and how it has.
    async fn follow(&self, queue: &Queue) -> Result<JobState, Failure> {
        let mut last = None;
        loop {
            let Some(job) = queue.job(self.id).await? else {
                return Err(Error::NoSuchJob { id: self.id, database: queue.describe() }.into());
            };
            let state = job.state;
            if state.is_final() {
                return Ok(state);
            }
            let now = (state, job.attempt, job.progress.clone());
            if last.as_ref() != Some(&now) {
                if self.output.json {
                    line(&self.look(queue).await?)?;
                } else {
                    print(&step(&job))?;
                }
                last = Some(now);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// One line of JSON.
fn line(seen: &Seen) -> Outcome {
    let line = serde_json::to_string(&seen.shape());
    print(&line.map_err(|error| Failure::failed(format!("the answer cannot be written as JSON: {error}")))?)
}

/// A change of a watched job, on one line.
fn step(job: &JobRow) -> String {
    let words = match &job.progress {
        Some(progress) => format!("{}, attempt {}: {}", job.state, job.attempt, text::progress(progress)),
        None if job.attempt > 0 => format!("{}, attempt {}", job.state, job.attempt),
        None => job.state.to_string(),
    };
    text::line(&text::shown(&words), 200)
}

impl Seen {
    fn shape(&self) -> Shape<'_> {
        Shape {
            job: (&self.job).into(),
            why: self.why.as_deref(),
            attempts: self.attempts.iter().map(AttemptShape::from).collect(),
            logs: self.logs.as_deref(),
        }
    }

    fn words(&self) -> String {
        let mut words = words(&self.job, self.why.clone(), &self.attempts);
        for log in self.logs.iter().flatten() {
            words.push_str(&log_of(log));
        }
        words
    }
}

/// What one attempt logged.
fn log_of(log: &AttemptLog) -> String {
    let mut words = format!("\nLOG OF ATTEMPT {}\n", log.attempt);
    if log.dropped > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(words, "({} before these are not kept)", text::count(log.dropped.unsigned_abs(), "line"));
    }
    for line in &log.lines {
        let at = line.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let target = line.target.as_deref().map(|target| format!("{target}: ")).unwrap_or_default();
        // As above.
        let _ = writeln!(words, "{at} {:5} {}", line.level, text::shown(&format!("{target}{}", line.message)));
    }
    words
}

fn words(job: &JobRow, why: Option<String>, attempts: &[AttemptRow]) -> String {
    let now = Utc::now();
    let moment = |at| text::moment(at, now);
    let mut words = String::new();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            // Writing to a string cannot fail.
            let _ = writeln!(words, "{name:<12}{}", text::shown(&value).replace('\n', "\n            "));
        }
    };
    say("id", Some(job.id.to_string()));
    say("job", Some(job.job.clone()));
    say("state", Some(job.state.to_string()));
    say("progress", job.progress.as_ref().map(text::progress));
    say("why", why);
    say("queue", Some(job.queue.clone()));
    say("priority", Some(job.priority.to_string()));
    say("arguments", Some(job.arguments.clone()));
    let ended = format!("{} failed, {} lost, {} handed back", job.failures, job.losses, job.hand_backs);
    say("attempt", Some(format!("{} ({ended})", job.attempt)));
    say("retries", Some(format!("{} of {} left", (job.retries - job.failures).max(0), job.retries)));
    say("unique key", job.unique_key.clone());
    say("metadata", job.metadata.clone());
    say("source", job.source.clone());
    say("slot", job.slot.map(moment));
    say("enqueued", Some(moment(job.enqueued_at)));
    say("due", Some(moment(job.due_at)));
    say("started", job.started_at.map(moment));
    say("ended", job.ended_at.map(moment));
    say("worker", job.worker_id.map(|id| id.to_string()));
    say("output", job.output.clone());
    say("error", job.error.clone());
    if !attempts.is_empty() {
        words.push('\n');
        words.push_str(&attempts_table(attempts));
    }
    words
}

fn attempts_table(attempts: &[AttemptRow]) -> String {
    let columns = [
        Column::Number("attempt"),
        Column::Text("status"),
        Column::Text("ended"),
        Column::Number("took"),
        Column::Text("build"),
        Column::Text("result"),
    ];
    let now = Utc::now();
    let rows = attempts.iter().map(|attempt| {
        let took = attempt.started_at.and_then(|started| (attempt.ended_at - started).to_std().ok());
        let status = match attempt.error_kind {
            Some(kind) => format!("{}: {kind}", attempt.status),
            None => attempt.status.to_string(),
        };
        vec![
            attempt.attempt.to_string(),
            status,
            text::moment(attempt.ended_at, now),
            took.map(text::span).unwrap_or_default(),
            attempt.build.clone().unwrap_or_default(),
            attempt.error.clone().or_else(|| attempt.output.clone()).unwrap_or_default(),
        ]
    });
    table(&columns, rows)
}
