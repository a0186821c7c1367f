use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::Outcome;
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};

/// Create the tables, or upgrade them to what this program needs
///
/// Safe when many do it at once. An older program goes on working on newer tables.
#[derive(Debug, Args)]
pub(in super::super) struct Migrate {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape {
    applied: Vec<&'static str>,
}

impl Migrate {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Leave, Level::Warn).await?;
        let applied = queue.migrate().await?;
        self.output.print(&Shape { applied: applied.clone() }, || match applied.as_slice() {
            [] => "the tables are up to date".to_owned(),
            steps => format!("applied {}", steps.join(", ")),
        })
    }
}
