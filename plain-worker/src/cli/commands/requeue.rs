use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Code, Outcome};
use super::super::log::Level;
use super::super::many::many_flags;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use super::super::values::instant;
use crate::change::{Change, Changed};
use crate::record::JobId;

many_flags!(ManyMoves, "REQUEUE");

/// Move waiting jobs to another queue, priority or time
///
/// Exit code 1 if one of them does not wait, or there is none of that id.
#[derive(Debug, Args)]
pub(in super::super) struct Requeue {
    /// The jobs' ids
    #[arg(value_name = "ID", required_unless_present = "matching")]
    ids: Vec<JobId>,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    many: ManyMoves,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct To {
    /// The queue that they are to wait in
    #[arg(long, value_name = "QUEUE", env = "PLAIN_WORKER_REQUEUE_QUEUE")]
    queue: Option<String>,
    /// Their new priority: higher runs first
    #[arg(long, value_name = "NUMBER", env = "PLAIN_WORKER_REQUEUE_PRIORITY", allow_negative_numbers = true)]
    priority: Option<i16>,
    /// When they are to run, such as 2026-11-20T12:00:00+01:00; what has passed is at once
    #[arg(long, value_name = "INSTANT", env = "PLAIN_WORKER_REQUEUE_AT", value_parser = instant)]
    at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct Shape {
    id: JobId,
    /// `moved`, `not_waiting` or `not_found`.
    answer: &'static str,
}

impl Requeue {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let To { queue: to, priority, at } = self.to;
        let change = Change::Requeue(crate::change::Requeue { queue: to, priority, due_at: at });
        let (many, by) = self.many.of(change.clone())?;
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        if let Some(many) = many {
            return many.run(&queue, self.output).await;
        }
        let mut answers = Vec::new();
        for id in self.ids {
            let answer = match queue.change(id, &change, &by).await? {
                Changed::Done => "moved",
                Changed::Unfit => "not_waiting",
                Changed::Gone => "not_found",
            };
            answers.push(Shape { id, answer });
        }
        queue.close().await;
        self.output.print(&answers, || answers.iter().map(words).collect::<Vec<_>>().join("\n"))?;
        Ok(if answers.iter().all(|shape| shape.answer == "moved") { Code::Done } else { Code::Failed })
    }
}

fn words(shape: &Shape) -> String {
    let id = shape.id;
    match shape.answer {
        "moved" => format!("{id} is moved"),
        "not_waiting" => format!("{id} does not wait: it runs or has ended"),
        _ => format!("there is no job {id}"),
    }
}
