//! The pages. Each reads through the queue's own doors and draws what they said.

pub(super) mod audit;
pub(super) mod functions;
pub(super) mod home;
pub(super) mod job;
pub(super) mod jobs;
pub(super) mod queues;
pub(super) mod schedules;
pub(super) mod workers;

use std::fmt::Write;
use std::time::Duration;

use serde::Deserialize;

/// How long a page may search.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// What every page may be asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    format: String,
    #[serde(default)]
    range: String,
    #[serde(default)]
    queue: String,
    #[serde(default)]
    job: String,
    before: Option<i64>,
}

impl Asked {
    fn json(&self) -> bool {
        self.format == "json"
    }
}

/// A text as a value in a link.
pub(super) fn escaped(text: &str) -> String {
    let mut link = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => link.push(char::from(byte)),
            b' ' => link.push('+'),
            // Writing to a string does not fail.
            _ => drop(write!(link, "%{byte:02X}")),
        }
    }
    link
}

/// A link to the jobs that a filter lets through.
pub(super) fn jobs_link(base: &str, filter: &str) -> String {
    format!("{base}/jobs?q={}", escaped(filter))
}
