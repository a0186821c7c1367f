use clap::Args;

use super::super::app::App;
use super::super::exit::{Failure, Outcome};
use super::super::log::Level;
use super::super::output::print;
use super::super::settings::{Settings, Tables};
use super::enqueue::Call;
use crate::worker::run_here;

/// Run a job here and now: nothing is stored, nothing is tried again
///
/// Prints what the job returns, as JSON. Exit code 1 if it fails, with its error on stderr.
#[derive(Debug, Args)]
pub(in super::super) struct Run {
    #[command(flatten)]
    call: Call,
    #[command(flatten)]
    settings: Settings,
}

impl Run {
    pub(in super::super) async fn run(self, app: &mut App) -> Outcome {
        let (definition, arguments) = self.call.checked()?;
        let queue = self.settings.open(app, Tables::Create, Level::Info).await?;
        // What the job enqueues goes to the same database; a program that has set one itself knows better.
        let _ = queue.make_process_wide();
        let states = app.prepare_worker(&queue).await?.into_states();
        let ended = run_here(&queue, states, definition, &arguments).await?;
        queue.close().await;
        match ended {
            Ok(output) => print(&output.unwrap_or_else(|| "null".to_owned())),
            Err(error) => Err(Failure::failed(format!("job `{}` failed: {error}", definition.name))),
        }
    }
}
