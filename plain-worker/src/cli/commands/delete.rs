use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Code, Outcome};
use super::super::log::Level;
use super::super::many::many_flags;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use crate::change::{Change, Changed};
use crate::record::JobId;

many_flags!(ManyDeletes, "DELETE");

/// Take jobs away for good, with their history; what runs stays
///
/// `cancel` ends jobs with a record, `prune` takes ended ones away by their age. Exit code 1 if one of them runs or
/// there is none of that id.
#[derive(Debug, Args)]
pub(in super::super) struct Delete {
    /// The jobs' ids
    #[arg(value_name = "ID", required_unless_present = "matching")]
    ids: Vec<JobId>,
    #[command(flatten)]
    many: ManyDeletes,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape {
    id: JobId,
    /// `deleted`, `running` or `not_found`.
    answer: &'static str,
}

impl Delete {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let (many, by) = self.many.of(Change::Delete)?;
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        if let Some(many) = many {
            return many.run(&queue, self.output).await;
        }
        let mut answers = Vec::new();
        for id in self.ids {
            let answer = match queue.change(id, &Change::Delete, &by).await? {
                Changed::Done => "deleted",
                Changed::Unfit => "running",
                Changed::Gone => "not_found",
            };
            answers.push(Shape { id, answer });
        }
        queue.close().await;
        self.output.print(&answers, || answers.iter().map(words).collect::<Vec<_>>().join("\n"))?;
        Ok(if answers.iter().all(|shape| shape.answer == "deleted") { Code::Done } else { Code::Failed })
    }
}

fn words(shape: &Shape) -> String {
    let id = shape.id;
    match shape.answer {
        "deleted" => format!("{id} is deleted"),
        "running" => format!("{id} runs at this moment: cancel it first, or wait for its end"),
        _ => format!("there is no job {id}"),
    }
}
