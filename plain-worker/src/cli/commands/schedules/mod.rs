mod check;
mod edit;
mod list;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::super::app::App;
use super::super::exit::{Failure, Outcome};
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use crate::queue::Queue;

/// Show the schedules, or do something with one
///
/// Those in the code of the workers are listed once a worker has started with them. What is changed here takes effect on
/// all workers within seconds.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in super::super) struct ScheduleTable {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Action {
    Check(check::Check),
    /// Stop the slots of schedules from becoming runs; what waits or runs goes on
    Pause(Named),
    /// Let the slots of schedules become runs again, from now on
    Resume(Named),
    /// Have a worker run schedules now, also paused ones
    RunNow(Named),
    Add(Box<edit::Add>),
    Change(Box<edit::Change>),
    /// Take schedules away that were added at run time, or that no worker has any more, and cancel their waiting jobs
    Remove(Named),
}

/// Schedules by their names.
#[derive(Debug, Args)]
struct Named {
    /// The schedules' names, as `schedules` lists them
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    who: By,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// Who does it.
#[derive(Debug, Args)]
struct By {
    /// Who wants it; noted with the change
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_SCHEDULES_BY")]
    by: Option<String>,
}

/// What was done, as JSON.
#[derive(Serialize)]
struct Done<'d> {
    schedule: &'d str,
    /// `paused`, `resumed`, `run_now`, `added`, `changed`, `removed`.
    done: &'static str,
    /// The job that will be the run, or the number of jobs that were cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<crate::JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled: Option<u64>,
}

impl<'d> Done<'d> {
    fn new(schedule: &'d str, done: &'static str) -> Self {
        Self { schedule, done, job: None, cancelled: None }
    }

    fn words(&self) -> String {
        let name = self.schedule;
        match (self.done, self.job, self.cancelled) {
            ("run_now", Some(job), _) => format!("{name} runs as job {job} when a worker has seen to it"),
            (done, _, Some(cancelled)) if cancelled > 0 => {
                format!("{name} is {done}; {} cancelled", super::super::text::count(cancelled, "waiting job"))
            }
            (done, ..) => format!("{name} is {done}"),
        }
    }
}

impl ScheduleTable {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        match self.action {
            None => {
                let queue = open(&self.settings, app).await?;
                list::list(&queue, self.output).await
            }
            Some(Action::Check(check)) => check.run(),
            Some(Action::Add(add)) => add.run(app).await,
            Some(Action::Change(change)) => change.run(app).await,
            Some(Action::Pause(named)) => named.each(app, "paused").await,
            Some(Action::Resume(named)) => named.each(app, "resumed").await,
            Some(Action::RunNow(named)) => named.each(app, "run_now").await,
            Some(Action::Remove(named)) => named.each(app, "removed").await,
        }
    }
}

async fn open(settings: &Settings, app: &App) -> Result<Queue, Failure> {
    settings.open(app, Tables::Require, Level::Warn).await
}

impl Named {
    async fn each(self, app: &App, what: &'static str) -> Outcome {
        let queue = open(&self.settings, app).await?;
        let schedules = queue.schedules().by(self.who.by.unwrap_or_default());
        let mut all = Vec::new();
        for name in &self.names {
            let mut done = Done::new(name, what);
            match what {
                "paused" => schedules.pause(name).await?,
                "resumed" => schedules.resume(name).await?,
                "run_now" => done.job = Some(schedules.run_now(name).await?),
                _ => done.cancelled = Some(schedules.remove(name).await?),
            }
            all.push(done);
        }
        queue.close().await;
        self.output.print(&all, || all.iter().map(Done::words).collect::<Vec<_>>().join("\n"))
    }
}
