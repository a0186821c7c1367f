//! From wall clock slots to instants: how a schedule passes a change of the clocks.
//!
//! croner walks the wall clock only, as if it had no gaps and no repeated hours. Its own rule
//! for them takes single values alone as fixed times, so `0,30 2 * * *` would skip a day.

use chrono::{DateTime, Datelike, MappedLocalTime, Months, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// Later than any wait between two runs: a 29th of February on a given weekday takes 40 years
/// over a century that has no leap year.
const HORIZON: Months = Months::new(50 * 12);

/// The years that croner walks; far from where chrono's own arithmetic ends.
const YEARS: std::ops::RangeInclusive<i32> = 2..=4999;

/// More than any offset from UTC in the time zone database.
const MOST_OFFSET: TimeDelta = TimeDelta::hours(24);

/// The rules by which slots become runs.
pub(super) struct Walk<'a> {
    pub(super) slots: &'a Cron,
    pub(super) zone: Tz,
    /// Fixed times run once a slot; others run in elapsed time.
    pub(super) fixed: bool,
}

impl Walk<'_> {
    /// The first run later than `after`.
    pub(super) fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !YEARS.contains(&after.year()) {
            return None;
        }
        let local = self.local(after);
        let ahead = self.run_from(self.slot_after(local)?, after);
        let again = self.second_pass(local, after);
        [ahead, again].into_iter().flatten().min()
    }

    /// The first run later than `after`, in wall clock order from `slot` on.
    fn run_from(&self, mut slot: NaiveDateTime, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let horizon = slot.checked_add_months(HORIZON)?;
        while slot <= horizon {
            let run = match self.zone.from_local_datetime(&slot) {
                MappedLocalTime::Single(at) => Some(at.to_utc()),
                MappedLocalTime::Ambiguous(first, second) => {
                    let (first, second) = (first.to_utc(), second.to_utc());
                    Some(if self.fixed || first > after { first } else { second })
                }
                MappedLocalTime::None if self.fixed => end_of_gap(self.zone, slot),
                MappedLocalTime::None => None,
            };
            // Several slots in one gap share its end, so only a later run counts.
            if let Some(run) = run.filter(|run| *run > after) {
                return Some(run);
            }
            slot = self.slot_after(slot)?;
        }
        None
    }

    /// For times in elapsed time: the first run of a repeated hour's second pass, if `after`
    /// lies in its first. The walk by the wall clock only sees what is ahead of `local`.
    fn second_pass(&self, local: NaiveDateTime, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.fixed {
            return None;
        }
        let MappedLocalTime::Ambiguous(_, second) = self.zone.from_local_datetime(&local) else {
            return None;
        };
        let second = second.to_utc();
        if second <= after {
            return None;
        }
        let pass = self.offset(second);
        let start = first_instant(after, second, |at| self.offset(at) == pass)?;
        let slot = self.slots.find_next_occurrence(&self.local(start), true).ok()?;
        self.run_from(slot, after)
    }

    /// The first wall clock time after `from` that the expression names.
    fn slot_after(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        // croner ends its search with an error past its last year.
        self.slots.find_next_occurrence(&from, false).ok()
    }

    fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        local(self.zone, at)
    }

    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        self.local(at) - at.naive_utc()
    }
}

fn local(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    // Does not overflow: every instant here is within a few days of YEARS.
    at.with_timezone(&zone).naive_local()
}

/// The first instant after the gap in which `slot` lies.
fn end_of_gap(zone: Tz, slot: NaiveDateTime) -> Option<DateTime<Utc>> {
    let before = slot.checked_sub_signed(MOST_OFFSET)?.and_utc();
    let beyond = slot.checked_add_signed(MOST_OFFSET)?.and_utc();
    first_instant(before, beyond, |at| local(zone, at) > slot)
}

/// The instant of a time on the wall clock: its first where it comes twice, the end of the gap where it does not come.
pub(super) fn instant_of(zone: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
    if !YEARS.contains(&wall.year()) {
        return None;
    }
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
        MappedLocalTime::None => end_of_gap(zone, wall),
    }
}

/// The first whole second after `before`, up to `beyond`, from which `reached` holds.
fn first_instant(
    before: DateTime<Utc>,
    beyond: DateTime<Utc>,
    reached: impl Fn(DateTime<Utc>) -> bool,
) -> Option<DateTime<Utc>> {
    let (mut low, mut high) = (before.timestamp(), beyond.timestamp());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if reached(DateTime::from_timestamp(middle, 0)?) {
            high = middle;
        } else {
            low = middle;
        }
    }
    DateTime::from_timestamp(high, 0)
}
