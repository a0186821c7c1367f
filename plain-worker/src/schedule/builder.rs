//! A schedule from its parts.

use std::fmt::Display;
use std::ops::Range;

use chrono_tz::Tz;

use super::{Schedule, ScheduleError, grammar};

/// Collects the parts of a schedule; made by [`Schedule::builder`].
///
/// Each part is a number or the text of that field, with everything that an expression allows.
///
/// ```
/// use plain_worker::schedule::Schedule;
///
/// let error = Schedule::builder().hour(24).build().unwrap_err();
/// assert_eq!(error.to_string(), "hour field: `24` is out of range 0-23");
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `.build()` is called"]
pub struct ScheduleBuilder {
    parts: [String; 5],
    zone: Option<Tz>,
}

impl Default for ScheduleBuilder {
    fn default() -> ScheduleBuilder {
        ScheduleBuilder { parts: std::array::from_fn(|_| "*".to_owned()), zone: None }
    }
}

impl ScheduleBuilder {
    /// The minute of the hour, 0-59.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let schedule = Schedule::builder().minute("*/15").build().unwrap();
    /// assert_eq!(schedule.expression(), "*/15 * * * *");
    /// ```
    pub fn minute(mut self, minute: impl Display) -> ScheduleBuilder {
        self.parts[0] = minute.to_string();
        self
    }

    /// The hour of the day, 0-23. Without a minute it runs at every minute of that hour.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let schedule = Schedule::builder().minute(0).hour("9-17").build().unwrap();
    /// assert_eq!(schedule.expression(), "0 9-17 * * *");
    /// ```
    pub fn hour(mut self, hour: impl Display) -> ScheduleBuilder {
        self.parts[1] = hour.to_string();
        self
    }

    /// The day of the month, 1-31, `L`, `LW` or as `15W`.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let schedule = Schedule::builder().minute(0).hour(0).day_of_month("L").build().unwrap();
    /// assert_eq!(schedule.expression(), "0 0 L * *");
    /// ```
    pub fn day_of_month(mut self, day: impl Display) -> ScheduleBuilder {
        self.parts[2] = day.to_string();
        self
    }

    /// The month, 1-12 or JAN-DEC.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let schedule = Schedule::builder().month("JAN,JUL").build().unwrap();
    /// assert_eq!(schedule.expression(), "* * * JAN,JUL *");
    /// ```
    pub fn month(mut self, month: impl Display) -> ScheduleBuilder {
        self.parts[3] = month.to_string();
        self
    }

    /// The day of the week, 0-7 or SUN-SAT, or as `FRI#2` or `FRIL`; 0 and 7 are Sunday.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let schedule = Schedule::builder().day_of_week("MON-FRI").build().unwrap();
    /// assert_eq!(schedule.expression(), "* * * * MON-FRI");
    /// ```
    pub fn day_of_week(mut self, day: impl Display) -> ScheduleBuilder {
        self.parts[4] = day.to_string();
        self
    }

    /// The zone that the times are in.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let schedule = Schedule::builder().zone(chrono_tz::Asia::Tokyo).build().unwrap();
    /// assert_eq!(schedule.zone(), chrono_tz::Asia::Tokyo);
    /// ```
    pub fn zone(mut self, zone: Tz) -> ScheduleBuilder {
        self.zone = Some(zone);
        self
    }

    /// The schedule that the parts make.
    ///
    /// # Errors
    /// As [`Schedule::parse`]; the error's input is the parts, joined by spaces.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// assert!(Schedule::builder().day_of_month(30).month("FEB").build().is_err());
    /// ```
    pub fn build(self) -> Result<Schedule, ScheduleError> {
        let input = self.parts.join(" ");
        let mut start = 0;
        let spans: [Range<usize>; 5] = self.parts.each_ref().map(|part| {
            let span = start..start + part.len();
            start = span.end + 1;
            span
        });
        let mut schedule = Schedule::from_fields(&input, grammar::read_fields(&input, spans)?)?;
        schedule.zone = self.zone;
        Ok(schedule)
    }
}
