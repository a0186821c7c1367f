use clap::Args;

use super::super::app::App;
use super::super::exit::{Code, Outcome};
use super::super::log::Level;
use super::super::output::{Column, Output, table};
use super::super::settings::{Settings, Tables};
use crate::check::CheckReport;

/// Read every stored job as this program would, and list what it could not run; exit code 1 if there is any
#[derive(Debug, Args)]
pub(in super::super) struct Check {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

impl Check {
    pub(in super::super) async fn run(self, app: &mut App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let report = app.customised_worker(&queue).check().await?;
        self.output.print(&report, || words(&report))?;
        Ok(if report.is_clean() { Code::Done } else { Code::Failed })
    }
}

fn words(report: &CheckReport) -> String {
    if report.is_clean() {
        return report.to_string();
    }
    let columns = [Column::Text("job"), Column::Number("jobs"), Column::Text("reason"), Column::Text("for example")];
    let rows = report.problems.iter().map(|problem| {
        let sample = problem.samples.first().map(ToString::to_string).unwrap_or_default();
        vec![problem.job.clone(), problem.count.to_string(), problem.reason.clone(), sample]
    });
    format!("{} of {} stored jobs cannot be run\n\n{}", report.unfit(), report.checked, table(&columns, rows))
}
