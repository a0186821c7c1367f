use std::collections::BTreeMap;

use chrono::Utc;
use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::Outcome;
use super::super::log::Level;
use super::super::output::{Column, Output, table};
use super::super::settings::{Settings, Tables};
use super::super::text;
use crate::record::{JobFilter, StatLine};
use crate::status::JobState;

/// Count the jobs by state, queue and job
#[derive(Debug, Args)]
pub(in super::super) struct Stats {
    /// Only jobs in this queue; may be repeated
    #[arg(long, value_name = "QUEUE", env = "PLAIN_WORKER_STATS_QUEUE", value_delimiter = ',')]
    queue: Vec<String>,
    /// Only jobs of this name; may be repeated
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_STATS_JOB", value_delimiter = ',')]
    job: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// The counts as JSON: all states in `by_state`, only those that occur elsewhere.
#[derive(Serialize)]
struct Shape<'l> {
    total: u64,
    by_state: BTreeMap<JobState, u64>,
    by_queue: BTreeMap<&'l str, BTreeMap<JobState, u64>>,
    by_job: BTreeMap<&'l str, BTreeMap<JobState, u64>>,
    counts: &'l [StatLine],
}

impl<'l> Shape<'l> {
    fn of(lines: &'l [StatLine]) -> Self {
        let mut shape = Self {
            total: 0,
            by_state: JobState::ALL.iter().map(|state| (*state, 0)).collect(),
            by_queue: BTreeMap::new(),
            by_job: BTreeMap::new(),
            counts: lines,
        };
        for line in lines {
            shape.total += line.count;
            *shape.by_state.entry(line.state).or_default() += line.count;
            *shape.by_queue.entry(&line.queue).or_default().entry(line.state).or_default() += line.count;
            *shape.by_job.entry(&line.job).or_default().entry(line.state).or_default() += line.count;
        }
        shape
    }
}

impl Stats {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let filter = JobFilter { queues: self.queue, jobs: self.job, ..JobFilter::new() };
        let lines = queue.stats(filter).await?;
        self.output.print(&Shape::of(&lines), || words(&lines))
    }
}

fn words(lines: &[StatLine]) -> String {
    if lines.is_empty() {
        return "no jobs".to_owned();
    }
    let now = Utc::now();
    let columns = [
        Column::Text("state"),
        Column::Text("queue"),
        Column::Text("job"),
        Column::Number("jobs"),
        Column::Text("oldest due"),
    ];
    let rows = lines.iter().map(|line| {
        let oldest = line.oldest_due.map(|at| text::moment(at, now)).unwrap_or_default();
        vec![line.state.to_string(), line.queue.clone(), line.job.clone(), line.count.to_string(), oldest]
    });
    table(&columns, rows)
}
