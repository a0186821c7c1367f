use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use clap::Args;
use serde::Serialize;

use super::super::super::exit::{Failure, Outcome};
use super::super::super::output::Output;
use crate::schedule::{Schedule, ScheduleError};

/// Read a cron expression, and tell in words and times when it runs; needs no database
///
/// Exit code 2 when the expression or the zone is refused; stderr says why.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The expression: five fields, or a nickname such as @daily
    #[arg(value_name = "EXPR")]
    expression: String,
    /// The IANA zone of its times; UTC by default
    #[arg(long, value_name = "ZONE", env = "PLAIN_WORKER_SCHEDULES_CHECK_TZ", default_value = "UTC")]
    tz: String,
    /// Only runs later than that, in local time of the zone (2026-11-20T12:00); now by default
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_SCHEDULES_CHECK_AFTER", value_parser = local)]
    after: Option<Local>,
    /// How many runs to tell
    #[arg(
        short = 'n', long, value_name = "RUNS", env = "PLAIN_WORKER_SCHEDULES_CHECK_COUNT", default_value_t = 5,
        value_parser = clap::value_parser!(u16).range(..=10_000)
    )]
    count: u16,
    #[command(flatten)]
    output: Output,
}

/// A moment as it is written: on a wall clock, or with its offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Local {
    Wall(NaiveDateTime),
    Exact(DateTime<Utc>),
}

fn local(text: &str) -> Result<Local, String> {
    if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
        return Ok(Local::Exact(exact.to_utc()));
    }
    for format in ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"] {
        if let Ok(wall) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(Local::Wall(wall));
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    day.map(|day| Local::Wall(day.and_time(NaiveTime::MIN)))
        .map_err(|_| "not a time; write for example 2026-11-20T12:00".to_owned())
}

#[derive(Serialize)]
struct Shape<'s> {
    expression: &'s str,
    timezone: &'s str,
    description: String,
    next: Vec<String>,
}

impl Check {
    pub(super) fn run(self) -> Outcome {
        let refused = |error: ScheduleError| Failure::wrong(error.report());
        let schedule = Schedule::parse_in(&self.expression, &self.tz).map_err(refused)?;
        let zone = schedule.zone();
        let after = match self.after {
            None => Utc::now(),
            Some(Local::Exact(after)) => after,
            Some(Local::Wall(wall)) => schedule
                .instant_of(wall)
                .ok_or_else(|| Failure::wrong(format!("`--after {wall}` is past the end of the calendar")))?,
        };
        let next = schedule.upcoming(after).take(usize::from(self.count));
        let shape = Shape {
            expression: schedule.expression(),
            timezone: zone.name(),
            description: schedule.describe(),
            next: next.map(|at| at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)).collect(),
        };
        self.output.print(&shape, || {
            let head = format!("{} ({}): {}", shape.expression, shape.timezone, shape.description);
            std::iter::once(head).chain(shape.next.iter().cloned()).collect::<Vec<_>>().join("\n")
        })
    }
}
