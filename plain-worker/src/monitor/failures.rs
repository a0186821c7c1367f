//! Errors that say the same, counted together.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::record::JobId;
use crate::status::JobState;

/// One attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub id: JobId,
    /// The start of its error.
    pub error: String,
    /// `dead`, or `retrying` when it was tried again.
    pub state: JobState,
    pub ended_at: DateTime<Utc>,
}

/// Failed attempts whose errors differ in numbers only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FailureGroup {
    /// The first line of the errors, with `#` for numbers and ids.
    pub message: String,
    /// The longest part of it that stands in all of them: what a filter looks for.
    pub literal: String,
    /// How many failed within an hour.
    pub last_hour: u64,
    /// Within a day.
    pub last_day: u64,
    /// Within a week.
    pub last_week: u64,
    /// How many of the week's jobs died of it.
    pub dead: u64,
    /// The latest.
    pub latest: DateTime<Utc>,
    /// The job that failed latest.
    pub example: JobId,
}

/// Groups failures, given the newest first; the groups with the most of a day come first.
pub(crate) fn grouped(failures: &[Failure], now: DateTime<Utc>) -> Vec<FailureGroup> {
    let mut groups: BTreeMap<String, FailureGroup> = BTreeMap::new();
    for failure in failures {
        let message = pattern(&failure.error);
        let group = groups.entry(message.clone()).or_insert_with(|| FailureGroup {
            literal: longest(&message),
            message,
            last_hour: 0,
            last_day: 0,
            last_week: 0,
            dead: 0,
            latest: failure.ended_at,
            example: failure.id,
        });
        let age = now - failure.ended_at;
        group.last_hour += u64::from(age <= TimeDelta::hours(1));
        group.last_day += u64::from(age <= TimeDelta::days(1));
        group.last_week += 1;
        group.dead += u64::from(failure.state == JobState::Dead);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse((group.last_day, group.last_week, group.latest)));
    groups
}

/// The first line of an error with `#` for what differs from one to the next: numbers, and words with digits that look
/// like ids.
fn pattern(error: &str) -> String {
    const LONGEST: usize = 200;
    let line = error.lines().next().unwrap_or_default();
    let mut text = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let id = |c: char| c.is_ascii_hexdigit() || c == '-';
        let end = rest.find(|c| !id(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let alone =
            !text.ends_with(|c: char| c.is_alphanumeric()) && !rest[end..].starts_with(|c: char| c.is_alphanumeric());
        if end >= 8 && alone && word.contains(|c: char| c.is_ascii_digit()) {
            text.push('#');
            rest = &rest[end..];
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            text.push('#');
            rest = &rest[digits..];
        } else if let Some(c) = rest.chars().next() {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    text.chars().take(LONGEST).collect()
}

/// The longest piece between the marks.
fn longest(pattern: &str) -> String {
    pattern.split('#').max_by_key(|piece| piece.len()).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_differ_in_numbers_are_one_group() {
        for (error, expected) in [
            ("user 17: timed out after 30s\nmore", "user #: timed out after #s"),
            ("no row 0198c6d4-0000-7000-8000-000000000000 here", "no row # here"),
            ("deadbeef is a word", "deadbeef is a word"),
            ("", ""),
            ("é42", "é#"),
        ] {
            assert_eq!(pattern(error), expected);
        }
        assert_eq!(longest("user #: timed out after #s"), ": timed out after");
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(30);
        let failure = |hours: i64, error: &str, state| Failure {
            id: JobId::generate(),
            error: error.to_owned(),
            state,
            ended_at: now - TimeDelta::hours(hours),
        };
        let failures = [
            failure(0, "user 1 is gone", JobState::Dead),
            failure(5, "user 2 is gone", JobState::Retrying),
            failure(6, "other", JobState::Dead),
            failure(100, "user 3 is gone", JobState::Dead),
        ];
        let groups = grouped(&failures, now);
        assert_eq!(groups.len(), 2);
        let first = &groups[0];
        assert_eq!((first.last_hour, first.last_day, first.last_week, first.dead), (1, 2, 3, 2));
        assert_eq!((first.message.as_str(), first.example), ("user # is gone", failures[0].id));
    }
}
