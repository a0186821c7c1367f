//! What goes wrong in practice, looked for: each check is a pure function over what was found, in a file of its own.

mod bloat;
mod clock;
mod file;
mod hand_backs;
mod orphans;
mod overdue;
mod paused;
mod rights;
mod schedules;
mod settings;
mod transactions;
mod unknown;
mod unserved;
mod vitals;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

pub(crate) use vitals::{HandBacks, OrphanKey, OverdueRun, Stranded, Vitals};
#[cfg(feature = "postgres")]
pub(crate) use vitals::{OpenTransaction, TableVitals};

use crate::ledger::ScheduleRow;
use crate::monitor::WorkerView;
use crate::pause::Pause;
use crate::record::StatLine;

/// Something that [`Queue::examine`](crate::Queue::examine) found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// Whether somebody has to do something; else it is good to know.
    pub needs_care: bool,
    /// What is wrong.
    pub finding: String,
    /// What shows it.
    pub evidence: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn care(check: &'static str, finding: impl Into<String>) -> Self {
        Self { check, needs_care: true, finding: finding.into(), evidence: String::new(), remedy: String::new() }
    }

    fn note(check: &'static str, finding: impl Into<String>) -> Self {
        Self { needs_care: false, ..Self::care(check, finding) }
    }

    pub(crate) fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = evidence.into();
        self
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

/// All that the checks look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub vitals: Vitals,
    pub workers: Vec<WorkerView>,
    /// What waits, by state, queue and job; `None`: counting it would have taken too long.
    pub waiting: Option<Vec<StatLine>>,
    pub pauses: Vec<Pause>,
    pub schedules: Vec<ScheduleRow>,
    /// By the database's clock.
    pub now: DateTime<Utc>,
    /// How far the database's clock is ahead of this machine's.
    pub ahead: TimeDelta,
    /// What was not looked at, and why.
    pub unseen: Vec<String>,
}

type Check = fn(&Case) -> Vec<Finding>;

/// All checks, those first that explain others.
const CHECKS: &[Check] = &[
    rights::check,
    settings::check,
    file::check,
    clock::check,
    unserved::check,
    unknown::check,
    overdue::check,
    orphans::check,
    hand_backs::check,
    schedules::check,
    paused::check,
    transactions::check,
    bloat::check,
];

/// What all checks find.
pub(crate) fn examine(case: &Case) -> Vec<Finding> {
    let mut findings: Vec<_> = CHECKS.iter().flat_map(|check| check(case)).collect();
    if !case.unseen.is_empty() {
        findings
            .push(Finding::note("looks", "some things could not be looked at").evidence(case.unseen.join("; ")).remedy(
            "it is no fault by itself: large tables take longer to look through than this may, and some figures are \
                 for other roles only",
        ));
    }
    findings
}

/// At most that many of the words, and how many more there are.
fn some_of(words: impl IntoIterator<Item = String>) -> String {
    const MOST: usize = 5;
    let words: Vec<String> = words.into_iter().collect();
    let mut shown = words.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if words.len() > MOST {
        shown.push_str(&[" and ", &(words.len() - MOST).to_string(), " more"].concat());
    }
    shown
}

/// A length of time for people: `3h 20m`.
fn span(seconds: i64) -> String {
    let rounded = if seconds >= 3_600 { seconds - seconds % 60 } else { seconds };
    humantime::format_duration(std::time::Duration::from_secs(rounded.unsigned_abs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database without anything wrong.
    pub(super) fn healthy() -> Case {
        Case { waiting: Some(Vec::new()), ..Case::default() }
    }

    #[test]
    fn nothing_is_found_where_nothing_is_wrong() {
        assert_eq!(examine(&healthy()), []);
    }

    #[test]
    fn what_could_not_be_seen_is_told_but_needs_no_care() {
        let findings = examine(&Case { waiting: None, unseen: vec!["what waits".to_owned()], ..healthy() });
        assert_eq!(findings.iter().map(|finding| finding.needs_care).collect::<Vec<_>>(), [false]);
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(some_of((1..=7).map(|n| n.to_string())), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!((span(59), span(7_261)), ("59s".to_owned(), "2h 1m".to_owned()));
    }
}
