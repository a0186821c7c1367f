use clap::Args;
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Code, Failure, Outcome};
use super::super::log::Level;
use super::super::output::{Column, Output, table};
use super::super::settings::{Settings, Tables, note};
use super::super::text;
use super::super::values::who;
use crate::pause::PauseTarget;
use crate::queue::Queue;

/// Stop all workers from taking a queue, the jobs of a name, or everything
///
/// What runs goes on, and enqueues are taken as ever: the jobs wait until `resume`.
#[derive(Debug, Args)]
pub(in super::super) struct Pause {
    /// `mail` or `queue:mail`, `job:welcome_user`, `worker:ID`, or `*` for everything
    #[arg(value_name = "WHAT", required = true)]
    what: Vec<PauseTarget>,
    /// Who wants it, which is recorded; your user name by default
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_PAUSE_BY")]
    by: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// Let the workers take again what was paused
///
/// Each pause is apart: `*` ends the pause of everything and those of workers that were started paused. Exit code 1 if
/// one of them was not paused.
#[derive(Debug, Args)]
pub(in super::super) struct Resume {
    /// `mail` or `queue:mail`, `job:welcome_user`, `worker:ID`, or `*` for everything
    #[arg(value_name = "WHAT", required = true)]
    what: Vec<PauseTarget>,
    /// Who wants it, which is recorded; your user name by default
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_RESUME_BY")]
    by: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// List what is paused, since when and by whom
#[derive(Debug, Args)]
pub(in super::super) struct Pauses {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Shape {
    target: PauseTarget,
    /// Whether this call made the difference.
    changed: bool,
}

impl Pause {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let by = who(self.by);
        let mut answers = Vec::new();
        for target in self.what {
            let changed = queue.pause(target.clone(), &by).await?;
            if let PauseTarget::Job(name) = &target {
                warn_of_a_stranger(&queue, name).await?;
            }
            answers.push(Shape { target, changed });
        }
        queue.close().await;
        self.output.print(&answers, || {
            let words = |Shape { target, changed }: &Shape| {
                if *changed { format!("paused {target}") } else { format!("{target} was paused already") }
            };
            answers.iter().map(words).collect::<Vec<_>>().join("\n")
        })
    }
}

/// A slip of the pen must not pass for a stopped job.
async fn warn_of_a_stranger(queue: &Queue, job: &str) -> Result<(), Failure> {
    let workers = queue.workers().await?;
    let known = workers.iter().any(|worker| worker.knows.contains_key(job));
    if !known && !workers.is_empty() {
        note(&format!("no worker that lives knows a job named `{job}`: is that how it is stored?"));
    }
    Ok(())
}

impl Resume {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let by = who(self.by);
        let mut answers = Vec::new();
        for target in self.what {
            let changed = queue.resume(target.clone(), &by).await?;
            answers.push(Shape { target, changed });
        }
        queue.close().await;
        self.output.print(&answers, || {
            let words = |Shape { target, changed }: &Shape| {
                if *changed { format!("resumed {target}") } else { format!("{target} was not paused") }
            };
            answers.iter().map(words).collect::<Vec<_>>().join("\n")
        })?;
        Ok(if answers.iter().all(|answer| answer.changed) { Code::Done } else { Code::Failed })
    }
}

impl Pauses {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let queue = self.settings.open(app, Tables::Require, Level::Warn).await?;
        let pauses = queue.pauses().await?;
        queue.close().await;
        self.output.print(&pauses, || {
            if pauses.is_empty() {
                return "nothing is paused".to_owned();
            }
            let now = chrono::Utc::now();
            let columns = [Column::Text("what"), Column::Text("since"), Column::Text("by")];
            let rows = pauses
                .iter()
                .map(|pause| vec![pause.target.to_string(), text::moment(pause.at, now), pause.by.clone()]);
            table(&columns, rows)
        })
    }
}
