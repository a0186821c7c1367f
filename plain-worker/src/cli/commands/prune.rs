use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::Outcome;
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use super::super::text;
use super::super::values::{retain, retention};

/// Take ended jobs away that are past their retention, as every worker does from time to time
#[derive(Debug, Args)]
pub(in super::super) struct Prune {
    /// How long ended jobs are kept: `7d` for all, `dead=30d`, `succeeded=`, `cancelled=`, `expired=` for some, `audit=`
    /// for who changed what; `forever` is a length of time, too; may be repeated
    #[arg(long, value_name = "AGE", env = "PLAIN_WORKER_PRUNE_RETAIN", value_delimiter = ',', value_parser = retain)]
    retain: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape {
    pruned: u64,
}

impl Prune {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let pruned = queue.prune(retention(&self.retain)?).await?;
        queue.close().await;
        self.output.print(&Shape { pruned }, || format!("took away {}", text::count(pruned, "ended attempt")))
    }
}
