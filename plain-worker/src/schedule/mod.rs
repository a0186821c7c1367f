//! Cron expressions: five fields, a time zone, and the instants that they name.
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use plain_worker::schedule::Schedule;
//!
//! let schedule = Schedule::parse_in("0 9 * * MON-FRI", "Europe/Berlin")?;
//! let friday: DateTime<Utc> = "2026-11-20T12:00:00Z".parse()?;
//! let monday: DateTime<Utc> = "2026-11-23T08:00:00Z".parse()?;
//! assert_eq!(schedule.next_after(friday), Some(monday));
//! assert_eq!(schedule.describe(), "At 09:00, Monday to Friday");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What can be written
//!
//! | field | values | besides `*` `,` `-` `/` |
//! |---|---|---|
//! | minute | 0-59 | |
//! | hour | 0-23 | |
//! | day of month | 1-31 | `L` last day, `LW` last Monday-to-Friday, `15W` the one nearest to the 15th, `?` as `*` |
//! | month | 1-12, JAN-DEC | |
//! | day of week | 0-7, SUN-SAT (0 and 7 are Sunday) | `FRI#2` second Friday, `FRIL` last Friday, `?` as `*` |
//!
//! A step counts from the start of its range: `*/2` in the day of month field is 1, 3, 5 and so
//! on. When both day fields are restricted, either of them suffices, as in cron. Names and
//! nicknames may be written in any case.
//!
//! | nickname | stands for |
//! |---|---|
//! | `@yearly`, `@annually` | `0 0 1 1 *` |
//! | `@monthly` | `0 0 1 * *` |
//! | `@weekly` | `0 0 * * 0` |
//! | `@daily`, `@midnight` | `0 0 * * *` |
//! | `@hourly` | `0 * * * *` |
//!
//! # When the clocks change
//!
//! An expression names fixed times when neither its minute nor its hour field begins with `*`.
//! - **Fixed times** run once each: those that the clocks skip become one run at the first
//!   instant after the gap, and those that come twice run at the first pass only.
//! - **The others** run in elapsed time: nothing in the gap, and both passes of a repeated hour.
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use plain_worker::schedule::Schedule;
//!
//! // In New York, 2024-03-10 has no 02:30; 03:00 is 07:00 UTC.
//! let noon: DateTime<Utc> = "2024-03-09T17:00:00Z".parse()?;
//! let fixed = Schedule::parse_in("0,30 2 * * *", "America/New_York")?;
//! assert_eq!(fixed.next_after(noon), Some("2024-03-10T07:00:00Z".parse()?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod describe;
mod error;
mod field;
mod grammar;
mod item;
mod occurrence;
mod reader;
#[cfg(test)]
mod tests;
mod zone;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

#[doc(no_inline)]
pub use chrono_tz::Tz;

pub use builder::ScheduleBuilder;
pub use error::ScheduleError;
pub use field::Field;
pub use zone::parse_zone;

use error::Reason;
use item::Items;
use occurrence::Walk;

/// A checked cron expression, with the time zone in which it is read.
///
/// Two schedules are equal when their normal forms and their zones are.
///
/// ```
/// use plain_worker::schedule::Schedule;
///
/// let schedule: Schedule = "30  04 * * mon".parse()?;
/// assert_eq!(schedule.to_string(), "30 4 * * MON");
/// # Ok::<(), plain_worker::schedule::ScheduleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    expression: String,
    fields: [Items; 5],
    slots: Cron,
    zone: Option<Tz>,
}

impl Schedule {
    /// Reads an expression of five fields or a nickname; white space around it is ignored.
    ///
    /// # Errors
    /// A broken rule of the grammar, or days that never come (`0 0 30 2 *`).
    ///
    /// ```
    /// use plain_worker::schedule::Schedule;
    ///
    /// assert_eq!(Schedule::parse("@Daily").unwrap().expression(), "0 0 * * *");
    /// assert_eq!(
    ///     Schedule::parse("0/15 * * * *").unwrap_err().to_string(),
    ///     "minute field: `0/15` has a step but no range within 0-59; write `*/15` or `0-59/15`",
    /// );
    /// ```
    pub fn parse(expression: &str) -> Result<Schedule, ScheduleError> {
        Schedule::from_fields(expression, grammar::read(expression)?)
    }

    /// Reads an expression and the IANA name of the zone that its times are in.
    ///
    /// # Errors
    /// As [`parse`](Self::parse) and [`parse_zone`]; a bad expression is reported first.
    ///
    /// ```
    /// use plain_worker::schedule::Schedule;
    ///
    /// let schedule = Schedule::parse_in("0 9 * * *", "Europe/Berlin").unwrap();
    /// assert_eq!(schedule.zone().name(), "Europe/Berlin");
    /// ```
    pub fn parse_in(expression: &str, zone: &str) -> Result<Schedule, ScheduleError> {
        let schedule = Schedule::parse(expression)?;
        Ok(schedule.with_zone(parse_zone(zone)?))
    }

    /// A schedule from its parts; what is not given is `*`.
    ///
    /// ```
    /// use plain_worker::schedule::Schedule;
    ///
    /// let schedule = Schedule::builder()
    ///     .minute(0)
    ///     .hour("9-17")
    ///     .day_of_week("MON-FRI")
    ///     .build()?;
    /// assert_eq!(schedule.expression(), "0 9-17 * * MON-FRI");
    /// # Ok::<(), plain_worker::schedule::ScheduleError>(())
    /// ```
    pub fn builder() -> ScheduleBuilder {
        ScheduleBuilder::default()
    }

    fn from_fields(input: &str, fields: [Items; 5]) -> Result<Schedule, ScheduleError> {
        let for_croner = fields.each_ref().map(Items::for_croner).join(" ");
        let slots = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(&for_croner)
            .map_err(|cause| {
                // The checker admits less than croner does, so this is not expected.
                let reason = Reason::Matcher { text: input.to_owned(), cause: cause.to_string() };
                ScheduleError::new(input, 0..input.len(), None, reason)
            })?;
        Ok(Schedule {
            expression: fields.each_ref().map(|field| field.text.as_str()).join(" "),
            fields,
            slots,
            zone: None,
        })
    }

    /// The same schedule with its times in `zone`.
    ///
    /// ```
    /// use plain_worker::schedule::Schedule;
    ///
    /// let tokyo = Schedule::parse("0 9 * * *")?.with_zone(chrono_tz::Asia::Tokyo);
    /// assert_eq!(tokyo.zone(), chrono_tz::Asia::Tokyo);
    /// # Ok::<(), plain_worker::schedule::ScheduleError>(())
    /// ```
    pub fn with_zone(self, zone: Tz) -> Schedule {
        Schedule { zone: Some(zone), ..self }
    }

    /// The same schedule with its times in `zone`, unless it has a zone of its own.
    ///
    /// ```
    /// use chrono_tz::{Asia::Tokyo, Europe::Berlin};
    /// use plain_worker::schedule::Schedule;
    ///
    /// let nine = Schedule::parse("0 9 * * *")?;
    /// assert_eq!(nine.clone().or_zone(Berlin).zone(), Berlin);
    /// assert_eq!(nine.with_zone(Tokyo).or_zone(Berlin).zone(), Tokyo);
    /// # Ok::<(), plain_worker::schedule::ScheduleError>(())
    /// ```
    pub fn or_zone(self, zone: Tz) -> Schedule {
        Schedule { zone: self.zone.or(Some(zone)), ..self }
    }

    /// The zone that the times are in: UTC where none was given.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// assert_eq!(Schedule::parse("@daily").unwrap().zone(), chrono_tz::UTC);
    /// ```
    pub fn zone(&self) -> Tz {
        self.zone.unwrap_or(Tz::UTC)
    }

    /// Whether the schedule has a zone of its own.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let nine = Schedule::parse("0 9 * * *").unwrap();
    /// assert!(!nine.has_zone());
    /// assert!(nine.with_zone(chrono_tz::UTC).has_zone());
    /// ```
    pub fn has_zone(&self) -> bool {
        self.zone.is_some()
    }

    /// The normal form: five fields, names in capitals, nicknames written out.
    ///
    /// It reads back as an equal schedule. Lists and ranges stay as they were written.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// assert_eq!(Schedule::parse(" @hourly ").unwrap().expression(), "0 * * * *");
    /// ```
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The first run later than `after`, which itself is excluded.
    ///
    /// The answer is always later than `after`. `None` when nothing runs within 50 years, as
    /// with a time that only ever falls into a gap of the clocks, or when `after` is outside
    /// the years 2 to 4999.
    ///
    /// ```
    /// use chrono::{DateTime, Utc};
    /// use plain_worker::schedule::Schedule;
    ///
    /// let leap = Schedule::parse("0 0 29 2 *")?;
    /// let after: DateTime<Utc> = "2021-01-01T00:00:00Z".parse()?;
    /// assert_eq!(leap.next_after(after), Some("2024-02-29T00:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let [minute, hour, ..] = &self.fields;
        Walk { slots: &self.slots, zone: self.zone(), fixed: !minute.begins_with_star() && !hour.begins_with_star() }
            .next_after(after)
    }

    /// The runs later than `after`, in order and without end as a rule.
    ///
    /// ```
    /// use chrono::{DateTime, Utc};
    /// use plain_worker::schedule::Schedule;
    ///
    /// let after: DateTime<Utc> = "2021-01-01T08:00:00Z".parse()?;
    /// let schedule = Schedule::parse("0 9,12 * * *")?;
    /// let two: Vec<_> = schedule.upcoming(after).take(2).collect();
    /// assert_eq!(two[1], "2021-01-01T12:00:00Z".parse::<DateTime<Utc>>()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let mut last = Some(after);
        std::iter::from_fn(move || {
            last = self.next_after(last?);
            last
        })
        .fuse()
    }

    /// The instant of a time on the wall clock of the schedule's zone.
    ///
    /// A time that comes twice is meant the first time; one that the clocks skip is the first instant after the gap.
    /// `None` outside the years 2 to 4999.
    ///
    /// ```
    /// use plain_worker::schedule::Schedule;
    ///
    /// let schedule = Schedule::parse_in("0 9 * * *", "Europe/Berlin")?;
    /// let skipped = "2026-03-29T02:30:00".parse()?;
    /// assert_eq!(schedule.instant_of(skipped), Some("2026-03-29T01:00:00Z".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn instant_of(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        occurrence::instant_of(self.zone(), wall)
    }

    /// The expression in English words, without the zone.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let schedule = Schedule::parse("30 4 1,15 * 5").unwrap();
    /// assert_eq!(
    ///     schedule.describe(),
    ///     "At 04:30, on day 1 and 15 of the month or on Friday",
    /// );
    /// ```
    pub fn describe(&self) -> String {
        describe::describe(&self.fields)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(expression: &str) -> Result<Schedule, ScheduleError> {
        Schedule::parse(expression)
    }
}

impl TryFrom<&str> for Schedule {
    type Error = ScheduleError;

    fn try_from(expression: &str) -> Result<Schedule, ScheduleError> {
        Schedule::parse(expression)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expression)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        (&self.expression, self.zone) == (&other.expression, other.zone)
    }
}

impl Eq for Schedule {}

impl Hash for Schedule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.expression, self.zone).hash(state);
    }
}
