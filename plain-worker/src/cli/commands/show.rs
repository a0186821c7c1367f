use std::fmt::Write;

use chrono::Utc;
use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::Outcome;
use super::super::log::Level;
use super::super::output::{Column, Output, table};
use super::super::settings::{Settings, Tables};
use super::super::shapes::{AttemptShape, JobShape};
use super::super::text;
use crate::error::Error;
use crate::record::{AttemptRow, JobId, JobRow};

/// Show one job, with all its attempts
#[derive(Debug, Args)]
pub(in super::super) struct Show {
    /// The job's id, as `enqueue` and `list` print it
    #[arg(value_name = "ID")]
    id: JobId,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape<'r> {
    #[serde(flatten)]
    job: JobShape<'r>,
    why: Option<String>,
    attempts: Vec<AttemptShape<'r>>,
}

impl Show {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let Some(job) = queue.job(self.id).await? else {
            return Err(Error::NoSuchJob { id: self.id, database: queue.describe() }.into());
        };
        let attempts = queue.attempts(self.id).await?;
        let why = queue.why(&job).await?;
        let shape =
            Shape { job: (&job).into(), why: why.clone(), attempts: attempts.iter().map(AttemptShape::from).collect() };
        self.output.print(&shape, || words(&job, why, &attempts))
    }
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
