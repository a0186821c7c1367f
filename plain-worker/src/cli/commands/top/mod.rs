//! A live view of queues, running jobs and rates.

mod screen;
mod snapshot;

use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

use clap::Args;

use super::super::app::App;
use super::super::exit::{Code, Failure, Outcome};
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use super::super::values::span;
use crate::queue::Queue;
use screen::Screen;
use snapshot::Snapshot;

/// Watch queues, running jobs with their progress, and rates; `q` ends it
///
/// On a terminal it fills the screen; elsewhere, and with --json, it prints a line for each look.
#[derive(Debug, Args)]
pub(in super::super) struct Top {
    /// From one look to the next
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_TOP_EVERY", value_parser = span, default_value = "1s")]
    every: Duration,
    /// End after so many looks; never by default
    #[arg(long, value_name = "LOOKS", env = "PLAIN_WORKER_TOP_COUNT")]
    count: Option<u64>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

impl Top {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let outcome = if std::io::stdout().is_terminal() && !self.output.json {
            self.fill_the_screen(&queue).await
        } else {
            self.print_lines(&queue).await
        };
        queue.close().await;
        outcome
    }

    /// The shortest pause: a look costs the database something.
    fn pause(&self) -> Duration {
        self.every.max(Duration::from_millis(100))
    }

    /// Whether that was the last look.
    fn is_last(&self, look: u64) -> bool {
        self.count.is_some_and(|count| look >= count)
    }

    async fn fill_the_screen(&self, queue: &Queue) -> Outcome {
        let failed = |error: std::io::Error| Failure::failed(format!("the terminal cannot be used: {error}"));
        let mut screen = Screen::open().map_err(failed)?;
        for look in 1.. {
            let snapshot = Snapshot::take(queue).await?;
            screen.draw(&snapshot).map_err(failed)?;
            if self.is_last(look) {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                () = screen.ended() => break,
            }
        }
        Ok(Code::Done)
    }

    async fn print_lines(&self, queue: &Queue) -> Outcome {
        for look in 1.. {
            let snapshot = Snapshot::take(queue).await?;
            let line = if self.output.json {
                serde_json::to_string(&snapshot)
                    .map_err(|error| Failure::failed(format!("the answer cannot be written as JSON: {error}")))?
            } else {
                snapshot.line()
            };
            let mut stdout = std::io::stdout().lock();
            match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
                Ok(()) => drop(stdout),
                // A reader that has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => return Err(Failure::failed(format!("the answer cannot be printed: {error}"))),
            }
            if self.is_last(look) {
                break;
            }
            tokio::time::sleep(self.pause()).await;
        }
        Ok(Code::Done)
    }
}
