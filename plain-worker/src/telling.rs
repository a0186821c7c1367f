//! What a run tells while it goes on: how far it is, and its log lines.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::Level;

use crate::record::{JobId, RunToken};

/// How far a running job is, as it said last by [`Context::progress`](crate::Context::progress).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// What it does at the moment: `page 40 of 100`.
    pub note: Option<String>,
}

impl Progress {
    /// How long a note may be, in bytes.
    const LONGEST: usize = 500;

    /// With a fraction from 0 to 1; `None` for what is no number.
    pub(crate) fn new(fraction: f64, note: String) -> Option<Self> {
        let note = Some(cut(note, Self::LONGEST)).filter(|note| !note.is_empty());
        (!fraction.is_nan()).then(|| Self { fraction: fraction.clamp(0.0, 1.0), note })
    }

    pub(crate) fn of_row(fraction: Option<f64>, note: Option<String>) -> Option<Self> {
        fraction.map(|fraction| Self { fraction, note })
    }
}

/// The text, cut to that many bytes at the most.
pub(crate) fn cut(mut text: String, longest: usize) -> String {
    const MARK: &str = "…";
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest.saturating_sub(MARK.len())));
        text.push_str(MARK);
    }
    text
}

/// One line that a run logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogLine {
    /// When, by the clock of the worker's machine.
    pub at: DateTime<Utc>,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: String,
    /// Where in the program; none for what came by [`Context::log`](crate::Context::log).
    pub target: Option<String>,
    /// The message, with its fields.
    pub message: String,
}

/// The log lines of one attempt, as many as were kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AttemptLog {
    /// The number of the attempt.
    pub attempt: i32,
    /// How many lines before these were not kept.
    pub dropped: i64,
    /// The last lines, oldest first.
    pub lines: Vec<LogLine>,
}

/// The log of a run on its way into the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewLog {
    pub token: RunToken,
    pub id: JobId,
    pub attempt: i32,
    /// How many lines it has logged, those that are not kept counted.
    pub told: i64,
    pub lines: Vec<LogLine>,
}

impl AttemptLog {
    pub(crate) fn of_row(attempt: i32, told: i64, lines: Vec<LogLine>) -> Self {
        let kept = i64::try_from(lines.len()).unwrap_or(i64::MAX);
        Self { attempt, dropped: told.saturating_sub(kept).max(0), lines }
    }
}

/// How far a run is, on its way into the database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub token: RunToken,
    pub progress: Progress,
}

/// Which log lines of an attempt are kept with its job: those of `INFO` and above, the last 200 and 64 KiB of them, by
/// default.
///
/// ```
/// use plain_worker::JobLogs;
/// use tracing::Level;
/// let few = JobLogs::new().level(Level::WARN).lines(20);
/// assert_eq!("off".parse::<JobLogs>()?, JobLogs::off());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLogs {
    pub(crate) level: Option<Level>,
    pub(crate) lines: usize,
    pub(crate) bytes: usize,
}

impl JobLogs {
    /// The default.
    #[must_use]
    pub const fn new() -> Self {
        Self { level: Some(Level::INFO), lines: 200, bytes: 64 * 1024 }
    }

    /// None are kept.
    #[must_use]
    pub const fn off() -> Self {
        Self { level: None, ..Self::new() }
    }

    /// Lines of this level and above.
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// At most so many, the last ones.
    #[must_use]
    pub const fn lines(mut self, lines: usize) -> Self {
        self.lines = lines;
        self
    }

    /// At most so many bytes of messages.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Whether lines of this level are kept.
    pub(crate) fn keep(&self, level: Level) -> bool {
        self.level.is_some_and(|most| level <= most)
    }

    /// The most talkative level that is kept.
    #[cfg(feature = "cli")]
    pub(crate) const fn most(&self) -> Option<Level> {
        self.level
    }
}

impl Default for JobLogs {
    fn default() -> Self {
        Self::new()
    }
}

impl FromStr for JobLogs {
    type Err = String;

    /// `off`, or the name of a level.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::off());
        }
        let level = text.parse().map_err(|_| format!("`{text}` is not one of off, error, warn, info, debug, trace"))?;
        Ok(Self::new().level(level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_part_of_one() {
        let fraction = |given: f64| Progress::new(given, String::new()).map(|progress| progress.fraction);
        assert_eq!([fraction(0.4), fraction(7.0), fraction(-1.0)], [Some(0.4), Some(1.0), Some(0.0)]);
        assert_eq!((fraction(f64::NAN), fraction(f64::INFINITY)), (None, Some(1.0)));
        let long = Progress::new(0.5, "ä".repeat(1_000)).and_then(|progress| progress.note).unwrap_or_default();
        assert!(long.len() <= Progress::LONGEST && long.ends_with('…'), "{long}");
    }

    #[test]
    fn levels_are_kept_from_one_on() {
        let kept = JobLogs::new();
        assert!(kept.keep(Level::ERROR) && kept.keep(Level::INFO) && !kept.keep(Level::DEBUG));
        assert!(!JobLogs::off().keep(Level::ERROR));
        assert!("debug".parse::<JobLogs>().is_ok_and(|kept| kept.keep(Level::DEBUG)));
        assert!("loud".parse::<JobLogs>().is_err());
    }
}
