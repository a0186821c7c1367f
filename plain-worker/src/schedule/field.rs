//! The five fields of a cron expression: their names, ranges and value names.

use std::fmt;
use std::ops::RangeInclusive;

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// One of the five fields of a cron expression, in the order in which they are written.
///
/// ```
/// use plain_worker::schedule::{Field, Schedule};
///
/// let error = Schedule::parse("0 25 * * *").unwrap_err();
/// assert_eq!(error.field(), Some(Field::Hour));
/// assert_eq!(Field::Hour.range(), 0..=23);
/// assert_eq!(Field::DayOfWeek.to_string(), "day of week");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The first field: the minute of the hour, 0-59.
    Minute,
    /// The second field: the hour of the day, 0-23.
    Hour,
    /// The third field: the day of the month, 1-31.
    DayOfMonth,
    /// The fourth field: the month, 1-12 or JAN-DEC.
    Month,
    /// The fifth field: the day of the week, 0-7 or SUN-SAT; 0 and 7 are Sunday.
    DayOfWeek,
}

impl Field {
    pub(super) const ALL: [Field; 5] = [Field::Minute, Field::Hour, Field::DayOfMonth, Field::Month, Field::DayOfWeek];

    /// The field's name in lower case, as error messages write it.
    ///
    /// ```
    /// # use plain_worker::schedule::Field;
    /// assert_eq!(Field::DayOfMonth.name(), "day of month");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfMonth => "day of month",
            Field::Month => "month",
            Field::DayOfWeek => "day of week",
        }
    }

    /// The numbers that the field takes.
    ///
    /// ```
    /// # use plain_worker::schedule::Field;
    /// assert_eq!(Field::Month.range(), 1..=12);
    /// ```
    pub fn range(self) -> RangeInclusive<u8> {
        self.min()..=self.max()
    }

    pub(super) fn min(self) -> u8 {
        match self {
            Field::Minute | Field::Hour | Field::DayOfWeek => 0,
            Field::DayOfMonth | Field::Month => 1,
        }
    }

    pub(super) fn max(self) -> u8 {
        match self {
            Field::Minute => 59,
            Field::Hour => 23,
            Field::DayOfMonth => 31,
            Field::Month => 12,
            Field::DayOfWeek => 7,
        }
    }

    /// The last value that `*` stands for: 7 is a second name of Sunday, not an eighth day.
    pub(super) fn last(self) -> u8 {
        match self {
            Field::DayOfWeek => 6,
            other => other.max(),
        }
    }

    /// What may be written in the field, for messages.
    pub(super) fn valid(self) -> &'static str {
        match self {
            Field::Minute => "0-59",
            Field::Hour => "0-23",
            Field::DayOfMonth => "1-31, `L`, `LW` and `15W`",
            Field::Month => "1-12 and JAN-DEC",
            Field::DayOfWeek => "0-7 and SUN-SAT, also as `FRI#2` and `FRIL`",
        }
    }

    /// The place of the field, for messages.
    pub(super) fn ordinal(self) -> &'static str {
        match self {
            Field::Minute => "first",
            Field::Hour => "second",
            Field::DayOfMonth => "third",
            Field::Month => "fourth",
            Field::DayOfWeek => "fifth",
        }
    }

    /// The value of a name in this field, written in any case.
    pub(super) fn value_of(self, name: &str) -> Option<u8> {
        let names: &[&str] = match self {
            Field::Month => &MONTHS,
            Field::DayOfWeek => &WEEKDAYS,
            Field::Minute | Field::Hour | Field::DayOfMonth => &[],
        };
        (self.min()..).zip(names).find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(value, _)| value)
    }

    /// How a value is written: by its name where `named` asks for it and there is one.
    pub(super) fn written(self, value: u8, named: bool) -> String {
        let name = match self {
            Field::DayOfWeek => WEEKDAYS.get(usize::from(value % 7)),
            Field::Month => MONTHS.get(usize::from(value.saturating_sub(1))),
            Field::Minute | Field::Hour | Field::DayOfMonth => None,
        };
        match name {
            Some(name) if named => (*name).to_owned(),
            _ => value.to_string(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
