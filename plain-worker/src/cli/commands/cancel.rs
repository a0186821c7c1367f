use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Code, Outcome};
use super::super::log::Level;
use super::super::many::many_flags;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use crate::change::Change;
use crate::error::Error;
use crate::record::{CancelAnswer, JobId};
use crate::status::JobState;

many_flags!(ManyCancels, "CANCEL");

/// Cancel jobs that wait, and ask the workers to stop those that run
///
/// Exit code 1 if one of them cannot be: it has ended in another way, or there is none of that id.
#[derive(Debug, Args)]
pub(in super::super) struct Cancel {
    /// The jobs' ids
    #[arg(value_name = "ID", required_unless_present = "matching")]
    ids: Vec<JobId>,
    #[command(flatten)]
    many: ManyCancels,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape {
    id: JobId,
    /// `cancelled`, `asked`, `ended` or `not_found`.
    answer: &'static str,
    /// The state in which it had ended already.
    state: Option<JobState>,
}

impl Cancel {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let (many, by) = self.many.of(Change::Cancel)?;
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        if let Some(many) = many {
            return many.run(&queue, self.output).await;
        }
        let mut answers = Vec::new();
        for id in self.ids {
            let (answer, state) = match queue.cancel_by(id, &by).await {
                Ok(CancelAnswer::Cancelled) => ("cancelled", None),
                Ok(CancelAnswer::Asked) => ("asked", None),
                Ok(CancelAnswer::Ended(state)) => ("ended", Some(state)),
                Err(Error::NoSuchJob { .. }) => ("not_found", None),
                Err(error) => return Err(error.into()),
            };
            answers.push(Shape { id, answer, state });
        }
        queue.close().await;
        self.output.print(&answers, || answers.iter().map(words).collect::<Vec<_>>().join("\n"))?;
        Ok(if answers.iter().all(fulfilled) { Code::Done } else { Code::Failed })
    }
}

fn fulfilled(shape: &Shape) -> bool {
    matches!(shape.answer, "cancelled" | "asked") || shape.state == Some(JobState::Cancelled)
}

fn words(shape: &Shape) -> String {
    let id = shape.id;
    match (shape.answer, shape.state) {
        ("cancelled", _) => format!("{id} is cancelled"),
        ("asked", _) => format!("{id} runs; its worker is told to stop it"),
        (_, Some(state)) => format!("{id} had ended already: {state}"),
        _ => format!("there is no job {id}"),
    }
}
