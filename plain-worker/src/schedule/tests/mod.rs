//! What the module promises; the pinned cases and the oracle are in the workspace's test package.

mod reading;
mod refusals;
mod time;

use chrono::{DateTime, Utc};

use super::Schedule;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// The first `n` runs in local time, with the offset.
fn runs(expression: &str, zone: &str, after: &str, n: usize) -> Vec<String> {
    let schedule = Schedule::parse_in(expression, zone).expect("accepted");
    schedule.upcoming(at(after)).take(n).map(|run| run.with_timezone(&schedule.zone()).to_rfc3339()).collect()
}
