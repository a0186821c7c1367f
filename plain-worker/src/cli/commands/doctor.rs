use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Code, Outcome};
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use super::super::text;
use super::super::values::span;
use crate::doctor::Finding;

/// Look for what goes wrong in practice, and say what to do; changes nothing
///
/// Exit code 1 when something needs care.
#[derive(Debug, Args)]
pub(in super::super) struct Doctor {
    /// How long a transaction on Postgres may be open
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_DOCTOR_LONG_TRANSACTION", value_parser = span, default_value = "5m")]
    long_transaction: Duration,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape<'f> {
    healthy: bool,
    findings: &'f [Finding],
}

impl Doctor {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Leave, Level::Warn).await?;
        let mut findings = queue.examine(self.long_transaction).await?;
        for finding in &mut findings {
            finding.remedy = app.named(&finding.remedy);
        }
        queue.close().await;
        let healthy = !findings.iter().any(|finding| finding.needs_care);
        self.output.print(&Shape { healthy, findings: &findings }, || words(&findings))?;
        Ok(if healthy { Code::Done } else { Code::Failed })
    }
}

fn words(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "nothing needs care".to_owned();
    }
    let words = findings.iter().map(|finding| {
        let mark = if finding.needs_care { "CARE" } else { "note" };
        let Finding { check, finding, evidence, remedy, .. } = finding;
        text::shown(&format!("{mark}  {check}: {finding}\n      {evidence}\n      → {remedy}"))
    });
    words.collect::<Vec<_>>().join("\n\n")
}
