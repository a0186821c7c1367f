use chrono::{DateTime, Utc};
use clap::Args;

use super::super::app::App;
use super::super::exit::Outcome;
use super::super::log::Level;
use super::super::output::{Column, Output, table};
use super::super::settings::{Settings, Tables};
use super::super::shapes::JobShape;
use super::super::text;
use super::super::values::{filter, state};
use crate::filter::Filter;
use crate::record::{JobFilter, JobId, JobRow};
use crate::status::JobState;

/// List jobs, newest enqueue first
#[derive(Debug, Args)]
pub(in super::super) struct List {
    /// Only jobs in this state: scheduled, ready, blocked, parked, running, retrying, succeeded, dead, cancelled or
    /// expired; may be repeated
    #[arg(long, value_name = "STATE", env = "PLAIN_WORKER_LIST_STATE", value_delimiter = ',', value_parser = state)]
    state: Vec<JobState>,
    /// Only jobs in this queue; may be repeated
    #[arg(long, value_name = "QUEUE", env = "PLAIN_WORKER_LIST_QUEUE", value_delimiter = ',')]
    queue: Vec<String>,
    /// Only jobs of this name; may be repeated
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_LIST_JOB", value_delimiter = ',')]
    job: Vec<String>,
    /// Only jobs with this unique key
    #[arg(long, value_name = "KEY", env = "PLAIN_WORKER_LIST_UNIQUE_KEY")]
    unique_key: Option<String>,
    /// Only jobs that this filter lets through, such as 'error:"timed out" args.user_id:7 age:>2h'
    #[arg(long = "where", value_name = "FILTER", env = "PLAIN_WORKER_LIST_WHERE", value_parser = filter)]
    matching: Option<Filter>,
    /// At most so many
    #[arg(long, value_name = "JOBS", env = "PLAIN_WORKER_LIST_LIMIT", default_value_t = 50)]
    limit: u32,
    /// Begin after this job: the last one of the page before
    #[arg(long, value_name = "ID", env = "PLAIN_WORKER_LIST_AFTER")]
    after: Option<JobId>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

impl List {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let filter = JobFilter {
            states: self.state,
            jobs: self.job,
            queues: self.queue,
            unique_key: self.unique_key,
            matching: self.matching,
            ..JobFilter::new()
        };
        // One more than asked for tells whether there are more.
        let mut rows = queue.list(filter, self.after, self.limit.saturating_add(1)).await?;
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let shapes: Vec<_> = rows.iter().map(JobShape::from).collect();
        self.output.print(&shapes, || words(&rows, more))
    }
}

fn words(rows: &[JobRow], more: bool) -> String {
    if rows.is_empty() {
        return "no jobs".to_owned();
    }
    let now = Utc::now();
    let columns = [
        Column::Text("id"),
        Column::Text("job"),
        Column::Text("queue"),
        Column::Text("state"),
        Column::Number("attempt"),
        Column::Text("when"),
        Column::Text("about"),
    ];
    let cells = rows.iter().map(|row| {
        vec![
            row.id.to_string(),
            row.job.clone(),
            row.queue.clone(),
            row.state.to_string(),
            row.attempt.to_string(),
            text::moment(when(row), now),
            about(row),
        ]
    });
    let mut words = table(&columns, cells);
    if more && let Some(last) = rows.last() {
        words += &["\n… and more: --after ", &last.id.to_string(), ", or a higher --limit"].concat();
    }
    words
}

/// The instant that matters in the job's state.
fn when(row: &JobRow) -> DateTime<Utc> {
    row.ended_at.or(row.started_at).unwrap_or(row.due_at)
}

/// What went wrong, or else what it is about.
fn about(row: &JobRow) -> String {
    text::line(row.error.as_deref().unwrap_or(&row.arguments), 60)
}
