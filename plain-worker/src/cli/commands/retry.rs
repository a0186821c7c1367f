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
use crate::record::{JobId, RetryAnswer};

many_flags!(ManyRetries, "RETRY");

/// Run jobs again that have ended or are parked, or at once those that wait, with all their retries
///
/// Exit code 1 if one of them cannot be: it runs, another job holds its unique key, or there is none of that id.
#[derive(Debug, Args)]
pub(in super::super) struct Retry {
    /// The jobs' ids
    #[arg(value_name = "ID", required_unless_present = "matching")]
    ids: Vec<JobId>,
    #[command(flatten)]
    many: ManyRetries,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape {
    id: JobId,
    /// `ready`, `running`, `key_held` or `not_found`.
    answer: &'static str,
    held_by: Option<JobId>,
}

impl Retry {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let (many, by) = self.many.of(Change::Retry)?;
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        if let Some(many) = many {
            return many.run(&queue, self.output).await;
        }
        let mut answers = Vec::new();
        for id in self.ids {
            let (answer, held_by) = match queue.retry_by(id, &by).await {
                Ok(RetryAnswer::Ready) => ("ready", None),
                Ok(RetryAnswer::Running) => ("running", None),
                Ok(RetryAnswer::KeyHeld(holder)) => ("key_held", Some(holder)),
                Err(Error::NoSuchJob { .. }) => ("not_found", None),
                Err(error) => return Err(error.into()),
            };
            answers.push(Shape { id, answer, held_by });
        }
        queue.close().await;
        self.output.print(&answers, || answers.iter().map(words).collect::<Vec<_>>().join("\n"))?;
        Ok(if answers.iter().all(|shape| shape.answer == "ready") { Code::Done } else { Code::Failed })
    }
}

fn words(shape: &Shape) -> String {
    let id = shape.id;
    match (shape.answer, shape.held_by) {
        ("ready", _) => format!("{id} is ready"),
        ("running", _) => format!("{id} runs at this moment: cancel it first, or wait for its end"),
        (_, Some(holder)) => format!("{id} stays as it is: {holder} holds its unique key"),
        _ => format!("there is no job {id}"),
    }
}
