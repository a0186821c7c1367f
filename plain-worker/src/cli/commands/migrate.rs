use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::Outcome;
use super::super::log::Level;
use super::super::output::{Output, print};
use super::super::settings::{Settings, Tables};
use super::super::values::yes_or_no;

/// Create the tables, or upgrade them to what this program needs
///
/// Safe when many do it at once. An older program goes on working on newer tables.
#[derive(Debug, Args)]
pub(in super::super) struct Migrate {
    /// Print what is missing as SQL for `psql` or `sqlite3`, and change nothing
    #[arg(long, env = "PLAIN_WORKER_MIGRATE_PRINT_SQL", value_parser = yes_or_no(), conflicts_with = "json")]
    print_sql: bool,
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
        if self.print_sql {
            let script = queue.migration_script().await?;
            return print(if script.is_empty() { "-- the tables are up to date\n" } else { &script });
        }
        let applied = queue.migrate().await?;
        self.output.print(&Shape { applied: applied.clone() }, || match applied.as_slice() {
            [] => "the tables are up to date".to_owned(),
            steps => format!("applied {}", steps.join(", ")),
        })
    }
}
