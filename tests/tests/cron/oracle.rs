//! When an expression runs, told by looking at every minute of real time in turn.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::expression::Expression;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

pub struct Oracle<'a> {
    expression: &'a Expression,
    zone: Tz,
}

impl<'a> Oracle<'a> {
    pub fn new(expression: &'a Expression, zone: Tz) -> Oracle<'a> {
        Oracle { expression, zone }
    }

    /// The first `most` runs later than `after`, up to `end`.
    pub fn runs(&self, after: DateTime<Utc>, end: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        let fixed = self.expression.is_fixed();
        let mut day = None;
        // A day earlier, so that a repeated hour is known as such from its second pass on.
        let minutes = after.timestamp().div_euclid(60) - 24 * 60;
        let mut now = DateTime::from_timestamp(minutes * 60, 0).expect("a minute");
        // The latest wall clock minute that was ever shown.
        let mut latest = self.wall_clock(now) - MINUTE;
        let mut runs = Vec::new();
        while now <= end && runs.len() < most {
            let shown = self.wall_clock(now);
            let run = if fixed {
                let mut new = latest + MINUTE;
                let mut any = false;
                while new <= shown {
                    any |= self.matches(new, &mut day);
                    new += MINUTE;
                }
                any
            } else {
                self.matches(shown, &mut day)
            };
            if run && now > after {
                runs.push(now);
            }
            latest = latest.max(shown);
            now += MINUTE;
        }
        runs
    }

    fn wall_clock(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    fn matches(&self, at: NaiveDateTime, day: &mut Option<(NaiveDate, bool)>) -> bool {
        let date = at.date();
        let matching = match *day {
            Some((known, matching)) if known == date => matching,
            _ => {
                let matching = self.expression.matches_day(date);
                *day = Some((date, matching));
                matching
            }
        };
        matching && self.expression.matches_time(at)
    }
}
