use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Failure, Outcome};
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use super::super::text;
use super::super::values::{filter, state, who, yes_or_no};
use crate::filter::Filter;
use crate::record::JobFilter;
use crate::status::JobState;

/// Take waiting jobs away for good; nothing is recorded but that
///
/// What runs or has ended stays. `cancel` ends jobs with a record, `prune` takes ended ones away.
#[derive(Debug, Args)]
pub(in super::super) struct Purge {
    /// Only jobs in this queue; may be repeated
    #[arg(long, value_name = "QUEUE", env = "PLAIN_WORKER_PURGE_QUEUE", value_delimiter = ',')]
    queue: Vec<String>,
    /// Only jobs of this name; may be repeated
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_PURGE_JOB", value_delimiter = ',')]
    job: Vec<String>,
    /// Only jobs in this state: ready, scheduled, retrying, blocked or parked; may be repeated
    #[arg(long, value_name = "STATE", env = "PLAIN_WORKER_PURGE_STATE", value_delimiter = ',', value_parser = waiting)]
    state: Vec<JobState>,
    /// Only jobs that this filter lets through, such as 'error:"timed out" args.user_id:7 age:>2h'
    #[arg(long = "where", value_name = "FILTER", env = "PLAIN_WORKER_PURGE_WHERE", value_parser = filter)]
    matching: Option<Filter>,
    /// All waiting jobs of all queues
    #[arg(long, env = "PLAIN_WORKER_PURGE_ALL", value_parser = yes_or_no(), conflicts_with_all = ["queue", "job", "state", "matching"])]
    all: bool,
    /// Who wants it, which is recorded; your user name by default
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_PURGE_BY")]
    by: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// A state in which a job waits.
fn waiting(text: &str) -> Result<JobState, String> {
    match state(text)? {
        JobState::Running => Err("what runs is not purged; cancel it".to_owned()),
        ended if ended.is_final() => Err("what has ended is not purged; prune it".to_owned()),
        state => Ok(state),
    }
}

#[derive(Serialize)]
struct Shape {
    purged: u64,
}

impl Purge {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let filter = JobFilter {
            states: self.state,
            jobs: self.job,
            queues: self.queue,
            matching: self.matching.filter(|filter| !filter.is_empty()),
            ..JobFilter::new()
        };
        if filter == JobFilter::new() && !self.all {
            return Err(Failure::wrong(
                "this would take away every waiting job of every queue: say which with --queue, --job, --state or --where, or \
                 mean it with --all",
            ));
        }
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let purged = queue.purge_by(filter, &who(self.by)).await?;
        queue.close().await;
        self.output.print(&Shape { purged }, || format!("took away {}", text::count(purged, "waiting job")))
    }
}
