use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::condition::{Condition, Figures};
use super::super::exit::{Code, Outcome};
use super::super::log::Level;
use super::super::output::{Column, Output, table};
use super::super::settings::{Settings, Tables};
use super::super::text;
use super::super::values::filter;
use crate::filter::Filter;
use crate::queue::Queue;
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
    /// Exit with 1 if this holds, as `oldest_ready>5m`, `dead>0` or `ready(mail)>=1000 and workers<1`; may be repeated.
    /// Compares the states' counts, `waiting`, `total`, `workers` (that live) and `oldest_ready` (how long a job has
    /// been ready at most), and prints what it found in place of the counts
    #[arg(long, value_name = "CONDITION", env = "PLAIN_WORKER_STATS_FAIL_IF", value_delimiter = ';', value_parser = Condition::parse)]
    fail_if: Vec<Condition>,
    /// Only jobs that this filter lets through, such as 'error:"timed out" args.user_id:7 age:>2h'
    #[arg(long = "where", value_name = "FILTER", env = "PLAIN_WORKER_STATS_WHERE", value_parser = filter)]
    matching: Option<Filter>,
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
    /// For how many seconds the oldest ready job of each queue has been due.
    oldest_ready_seconds: BTreeMap<&'l str, i64>,
    counts: &'l [StatLine],
}

impl<'l> Shape<'l> {
    fn of(lines: &'l [StatLine], now: DateTime<Utc>) -> Self {
        let mut shape = Self {
            total: 0,
            by_state: JobState::ALL.iter().map(|state| (*state, 0)).collect(),
            by_queue: BTreeMap::new(),
            by_job: BTreeMap::new(),
            oldest_ready_seconds: BTreeMap::new(),
            counts: lines,
        };
        for line in lines {
            shape.total += line.count;
            *shape.by_state.entry(line.state).or_default() += line.count;
            *shape.by_queue.entry(&line.queue).or_default().entry(line.state).or_default() += line.count;
            *shape.by_job.entry(&line.job).or_default().entry(line.state).or_default() += line.count;
            if let (JobState::Ready, Some(due)) = (line.state, line.oldest_due) {
                let oldest = shape.oldest_ready_seconds.entry(&line.queue).or_default();
                *oldest = (now - due).num_seconds().max(*oldest);
            }
        }
        shape
    }
}

impl Stats {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let filter = JobFilter { queues: self.queue, jobs: self.job, matching: self.matching, ..JobFilter::new() };
        let now = queue.now().await?;
        if !self.fail_if.is_empty() {
            return hold(&queue, filter, &self.fail_if, now, self.output).await;
        }
        let lines = queue.stats(filter).await?;
        self.output.print(&Shape::of(&lines, now), || words(&lines, now))
    }
}

/// A condition and whether it holds.
#[derive(Serialize)]
struct Held<'c> {
    condition: &'c str,
    holds: bool,
    /// What was compared, with its value.
    found: String,
}

/// Looks whether one of the conditions holds, and counts no more than they need.
async fn hold(
    queue: &Queue,
    filter: JobFilter,
    conditions: &[Condition],
    now: DateTime<Utc>,
    output: Output,
) -> Outcome {
    let states: BTreeSet<_> = conditions.iter().flat_map(Condition::states).collect();
    let lines = if states.is_empty() {
        Vec::new()
    } else {
        queue.stats(JobFilter { states: states.into_iter().collect(), ..filter }).await?
    };
    let workers = queue.workers().await?.iter().filter(|worker| worker.alive).count() as u64;
    let figures = Figures { lines: &lines, now, workers };
    let held: Vec<_> = conditions
        .iter()
        .map(|condition| Held {
            condition: &condition.text,
            holds: condition.holds(&figures),
            found: condition.found(&figures),
        })
        .collect();
    output.print(&held, || {
        let words = |Held { condition, holds, found }: &Held<'_>| {
            format!("{} {condition}: {found}", if *holds { "FAIL" } else { "ok  " })
        };
        held.iter().map(words).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if held.iter().any(|held| held.holds) { Code::Failed } else { Code::Done })
}

fn words(lines: &[StatLine], now: DateTime<Utc>) -> String {
    if lines.is_empty() {
        return "no jobs".to_owned();
    }
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
