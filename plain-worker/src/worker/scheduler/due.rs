//! Which slots of a schedule are due: decided from its expression, its ledger and the clock, and nothing else.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::schedule::Schedule;
use crate::status::CatchUp;

/// A slot that is taken no later than this was not missed.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);
/// How many missed slots are run under [`CatchUp::All`], at most.
const MOST_CAUGHT_UP: usize = 1_000;
/// How far missed slots that are not run are counted.
const MOST_COUNTED: usize = 1_000;

/// What the clock says of a schedule.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Slots {
    /// Nothing is due before that instant; never, if there is none.
    Later(Option<DateTime<Utc>>),
    Due(Due),
}

/// Slots that are due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// The latest of them all.
    pub until: DateTime<Utc>,
    /// Those that are run, oldest first.
    pub runs: Vec<DateTime<Utc>>,
    /// How many are passed over (counted up to a bound), and the latest of those.
    pub passed: Option<(u64, DateTime<Utc>)>,
}

/// The slots after `settled_at` up to `now`, and what the policy makes of them.
pub(super) fn slots(
    schedule: &Schedule,
    settled_at: DateTime<Utc>,
    now: DateTime<Utc>,
    catch_up: CatchUp,
    window: Duration,
) -> Slots {
    match schedule.next_after(settled_at) {
        Some(first) if first <= now => {}
        next => return Slots::Later(next),
    }
    let Some(until) = latest(schedule, settled_at, now) else { return Slots::Later(None) };
    let age = now - until;
    let within = |window: TimeDelta| age <= window.max(ON_TIME);
    let runs = match catch_up {
        CatchUp::All => last(schedule, settled_at, now),
        CatchUp::Latest if within(TimeDelta::from_std(window).unwrap_or(TimeDelta::MAX)) => vec![until],
        CatchUp::None if within(ON_TIME) => vec![until],
        CatchUp::Latest | CatchUp::None => Vec::new(),
    };
    let beyond = runs.first().copied().unwrap_or(until + TimeDelta::seconds(1));
    let passed = schedule.upcoming(settled_at).take_while(|slot| *slot < beyond).take(MOST_COUNTED);
    let passed =
        passed.fold(None, |count: Option<(u64, _)>, slot| Some((count.map_or(0, |(count, _)| count) + 1, slot)));
    Slots::Due(Due { until, runs, passed })
}

/// The latest slot after `after` up to `now`, found by halving: there may be years in between.
fn latest(schedule: &Schedule, after: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let due = |from: DateTime<Utc>| schedule.next_after(from).filter(|slot| *slot <= now);
    let mut found = due(after)?;
    let mut step = now - found;
    while step > TimeDelta::zero() {
        match found.checked_add_signed(step).and_then(due) {
            Some(later) => found = later,
            None => step = step / 2,
        }
        // The rest is walked.
        if step < TimeDelta::seconds(60) {
            break;
        }
    }
    while let Some(later) = due(found) {
        found = later;
    }
    Some(found)
}

/// The last slots after `after` up to `now`, as many as are caught up.
fn last(schedule: &Schedule, after: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut span = TimeDelta::hours(6);
    loop {
        let from = now.checked_sub_signed(span).map_or(after, |from| from.max(after));
        let mut slots = VecDeque::new();
        for slot in schedule.upcoming(from).take_while(|slot| *slot <= now) {
            slots.push_back(slot);
            if slots.len() > MOST_CAUGHT_UP {
                slots.pop_front();
            }
        }
        if from == after || slots.len() == MOST_CAUGHT_UP {
            return slots.into();
        }
        span = span.checked_mul(2).unwrap_or(TimeDelta::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn due(expression: &str, settled: &str, now: &str, catch_up: CatchUp) -> (Vec<String>, u64) {
        match slots(&Schedule::parse(expression).unwrap(), at(settled), at(now), catch_up, DAY) {
            Slots::Later(_) => (Vec::new(), 0),
            Slots::Due(due) => (
                due.runs.iter().map(|slot| slot.format("%m-%dT%H:%M").to_string()).collect(),
                due.passed.map_or(0, |(count, _)| count),
            ),
        }
    }

    #[test]
    fn one_slot_that_is_due_is_run_whatever_the_policy() {
        for &catch_up in CatchUp::ALL {
            let run = due("0 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T01:00:59Z", catch_up);
            assert_eq!(run, (vec!["01-01T01:00".to_owned()], 0), "{catch_up}");
        }
    }

    #[test]
    fn nothing_is_due_before_its_time_and_nothing_that_is_settled() {
        let hourly = Schedule::parse("@hourly").unwrap();
        let one = at("2026-01-01T01:00:00Z");
        let early = slots(&hourly, at("2026-01-01T00:00:00Z"), at("2026-01-01T00:59:59.999Z"), CatchUp::All, DAY);
        assert_eq!(early, Slots::Later(Some(one)));
        let late = slots(&hourly, one, at("2026-01-01T01:30:00Z"), CatchUp::All, DAY);
        assert_eq!(late, Slots::Later(Some(at("2026-01-01T02:00:00Z"))));
        let back = slots(&hourly, one, at("2025-06-01T00:00:00Z"), CatchUp::All, DAY);
        assert_eq!(back, Slots::Later(Some(at("2026-01-01T02:00:00Z"))), "a clock that was set back");
    }

    #[test]
    fn after_a_downtime_the_policy_decides() {
        let (from, to) = ("2026-01-01T00:00:00Z", "2026-01-01T05:30:00Z");
        assert_eq!(due("@hourly", from, to, CatchUp::Latest), (vec!["01-01T05:00".to_owned()], 4));
        assert_eq!(due("@hourly", from, to, CatchUp::None), (vec![], 5));
        let (all, passed) = due("@hourly", from, to, CatchUp::All);
        assert_eq!((all.len(), passed, all[0].as_str()), (5, 0, "01-01T01:00"));
        let old = due("0 0 1 * *", "2025-12-31T00:00:00Z", "2026-01-03T00:00:00Z", CatchUp::Latest);
        assert_eq!(old, (vec![], 1), "past the window of a day");
    }

    #[test]
    fn a_long_downtime_floods_nothing() {
        let (from, to) = ("2020-01-01T00:00:00Z", "2026-01-01T00:00:30Z");
        let started = std::time::Instant::now();
        let (all, passed) = due("* * * * *", from, to, CatchUp::All);
        assert_eq!((all.len(), passed), (1_000, 1_000));
        assert_eq!(all.last().unwrap(), "01-01T00:00");
        assert_eq!(due("* * * * *", from, to, CatchUp::Latest), (vec!["01-01T00:00".to_owned()], 1_000));
        let rare = due("* * 1 1 *", "2020-06-01T00:00:00Z", "2025-12-01T00:00:00Z", CatchUp::All);
        assert_eq!(rare.0.last().unwrap(), "01-01T23:59");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    #[test]
    fn the_latest_slot_is_found_across_changes_of_the_clocks() {
        let berlin = Schedule::parse_in("30 2 * * *", "Europe/Berlin").unwrap();
        // The gap of 2026-03-29: the run is at 03:00, which is 01:00 UTC.
        let now = at("2026-03-29T01:00:00Z");
        let Slots::Due(found) = slots(&berlin, at("2026-03-20T00:00:00Z"), now, CatchUp::Latest, DAY) else {
            panic!("due")
        };
        assert_eq!(found.runs, [now]);
    }
}
