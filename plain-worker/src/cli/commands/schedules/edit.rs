use std::time::Duration;

use chrono_tz::Tz;
use clap::Args;

use super::super::super::app::App;
use super::super::super::exit::{Failure, Outcome};
use super::super::super::output::Output;
use super::super::super::settings::Settings;
use super::super::super::values::{span, zone};
use super::{By, Done, open};
use crate::queue::{NewSchedule, ScheduleChange};
use crate::schedule::Schedule;
use crate::status::{CatchUp, Overlap, UnknownWord};

/// Add a schedule for a job that a worker has
#[derive(Debug, Args)]
pub(super) struct Add {
    /// What it is to be known by
    #[arg(value_name = "NAME")]
    name: String,
    /// When it runs: five fields, or a nickname such as @daily
    #[arg(value_name = "EXPR")]
    expression: String,
    /// The job that it runs
    #[arg(value_name = "JOB")]
    job: String,
    /// The arguments of a run, a JSON object
    #[arg(value_name = "ARGUMENTS", default_value = "{}")]
    arguments: String,
    /// The IANA zone of its times; UTC by default
    #[arg(long, value_name = "ZONE", env = "PLAIN_WORKER_SCHEDULES_ADD_TZ", value_parser = zone)]
    tz: Option<Tz>,
    /// Which slots missed in a downtime are run: latest (the default), none or all
    #[arg(long, value_name = "POLICY", env = "PLAIN_WORKER_SCHEDULES_ADD_CATCH_UP", value_parser = catch_up)]
    catch_up: Option<CatchUp>,
    /// What becomes of a slot while the run before it goes on: skip (the default), queue or allow
    #[arg(long, value_name = "POLICY", env = "PLAIN_WORKER_SCHEDULES_ADD_OVERLAP", value_parser = overlap)]
    overlap: Option<Overlap>,
    /// How old a missed slot may be to be run under `latest`; the worker's setting by default
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_SCHEDULES_ADD_WINDOW", value_parser = span)]
    window: Option<Duration>,
    #[command(flatten)]
    who: By,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// Change a schedule that was added at run time; what is not named stays
#[derive(Debug, Args)]
pub(super) struct Change {
    /// What it is known by
    #[arg(value_name = "NAME")]
    name: String,
    /// Other times, which begin now
    #[arg(long, value_name = "EXPR", env = "PLAIN_WORKER_SCHEDULES_CHANGE_CRON")]
    cron: Option<String>,
    /// Another IANA zone
    #[arg(long, value_name = "ZONE", env = "PLAIN_WORKER_SCHEDULES_CHANGE_TZ", value_parser = zone)]
    tz: Option<Tz>,
    /// Other arguments, a JSON object
    #[arg(long, value_name = "ARGUMENTS", env = "PLAIN_WORKER_SCHEDULES_CHANGE_ARGS")]
    args: Option<String>,
    /// Another policy for slots missed in a downtime: latest, none or all
    #[arg(long, value_name = "POLICY", env = "PLAIN_WORKER_SCHEDULES_CHANGE_CATCH_UP", value_parser = catch_up)]
    catch_up: Option<CatchUp>,
    /// Another policy for a slot while the run before it goes on: skip, queue or allow
    #[arg(long, value_name = "POLICY", env = "PLAIN_WORKER_SCHEDULES_CHANGE_OVERLAP", value_parser = overlap)]
    overlap: Option<Overlap>,
    /// How old a missed slot may be to be run under `latest`
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_SCHEDULES_CHANGE_WINDOW", value_parser = span)]
    window: Option<Duration>,
    #[command(flatten)]
    who: By,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

fn catch_up(text: &str) -> Result<CatchUp, String> {
    text.parse().map_err(|error: UnknownWord| error.to_string())
}

fn overlap(text: &str) -> Result<Overlap, String> {
    text.parse().map_err(|error: UnknownWord| error.to_string())
}

fn expression(text: &str) -> Result<Schedule, Failure> {
    Schedule::parse(text).map_err(|error| Failure::wrong(error.report()))
}

impl Add {
    pub(super) async fn run(self, app: &App) -> Outcome {
        let schedule = expression(&self.expression)?.or_zone(self.tz.unwrap_or(Tz::UTC));
        let mut new = NewSchedule::by_name(&self.name, schedule, self.job).arguments(self.arguments);
        if let Some(policy) = self.catch_up {
            new = new.catch_up(policy);
        }
        if let Some(policy) = self.overlap {
            new = new.overlap(policy);
        }
        if let Some(window) = self.window {
            new = new.window(window);
        }
        let queue = open(&self.settings, app).await?;
        queue.schedules().by(self.who.by.unwrap_or_default()).add(new).await?;
        queue.close().await;
        let done = Done::new(&self.name, "added");
        self.output.print(&done, || done.words())
    }
}

impl Change {
    pub(super) async fn run(self, app: &App) -> Outcome {
        let mut change = ScheduleChange::new();
        if let Some(cron) = &self.cron {
            change = change.schedule(expression(cron)?);
        }
        if let Some(zone) = self.tz {
            change = change.zone(zone);
        }
        if let Some(arguments) = self.args {
            change = change.arguments(arguments);
        }
        if let Some(policy) = self.catch_up {
            change = change.catch_up(policy);
        }
        if let Some(policy) = self.overlap {
            change = change.overlap(policy);
        }
        if let Some(window) = self.window {
            change = change.window(window);
        }
        let queue = open(&self.settings, app).await?;
        queue.schedules().by(self.who.by.unwrap_or_default()).change(&self.name, change).await?;
        queue.close().await;
        let done = Done::new(&self.name, "changed");
        self.output.print(&done, || done.words())
    }
}
