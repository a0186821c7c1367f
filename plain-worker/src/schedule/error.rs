//! Why an expression or a zone is refused, and where in the text.

use std::ops::Range;

use super::field::Field;

/// Why a cron expression or a time zone is refused.
///
/// `Display` is one line that names the field, its valid range and the offending text;
/// [`report`](Self::report) adds the input with a caret line under the offending part.
/// For an unknown zone the input is the zone's name.
///
/// ```
/// use plain_worker::schedule::{Field, Schedule};
///
/// let error = Schedule::parse("0 9 * * MON-FRY").unwrap_err();
/// assert_eq!(error.field(), Some(Field::DayOfWeek));
/// assert_eq!(error.offending(), "FRY");
/// assert_eq!(error.range(), 12..15);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", prefix(*.field))]
pub struct ScheduleError {
    input: String,
    // Always on character boundaries of `input`: it comes from splitting it.
    span: Range<usize>,
    field: Option<Field>,
    reason: Reason,
}

fn prefix(field: Option<Field>) -> String {
    field.map_or_else(String::new, |field| format!("{field} field: "))
}

impl ScheduleError {
    pub(super) fn new(input: &str, span: Range<usize>, field: Option<Field>, reason: Reason) -> ScheduleError {
        ScheduleError { input: input.to_owned(), span, field, reason }
    }

    /// The field at fault; `None` when the expression as a whole or the zone is refused.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// assert_eq!(Schedule::parse("* * * *").unwrap_err().field(), None);
    /// ```
    pub fn field(&self) -> Option<Field> {
        self.field
    }

    /// The text that was refused: the expression, or the name of the zone.
    ///
    /// An expression that was built from parts is the parts, joined by spaces.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let error = Schedule::builder().minute(60).build().unwrap_err();
    /// assert_eq!(error.input(), "60 * * * *");
    /// ```
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The offending part of the input; empty only where nothing is written at all.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// assert_eq!(Schedule::parse("0,75 * * * *").unwrap_err().offending(), "75");
    /// ```
    pub fn offending(&self) -> &str {
        self.input.get(self.span.clone()).unwrap_or_default()
    }

    /// The offending part as a range of bytes within [`input`](Self::input).
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// assert_eq!(Schedule::parse("0,75 * * * *").unwrap_err().range(), 2..4);
    /// ```
    pub fn range(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The IANA names nearest to an unknown zone, best first, at most three.
    ///
    /// ```
    /// # use plain_worker::schedule::parse_zone;
    /// let error = parse_zone("Europe/Berln").unwrap_err();
    /// assert_eq!(error.nearest_zones().first(), Some(&"Europe/Berlin"));
    /// ```
    pub fn nearest_zones(&self) -> &[&'static str] {
        match &self.reason {
            Reason::UnknownZone { nearest, .. } => nearest,
            _ => &[],
        }
    }

    /// The message in three lines: what is wrong, the input, and carets under the offending part.
    ///
    /// ```
    /// # use plain_worker::schedule::Schedule;
    /// let error = Schedule::parse("60 * * * *").unwrap_err();
    /// assert_eq!(
    ///     error.report(),
    ///     "minute field: `60` is out of range 0-59\n  60 * * * *\n  ^^",
    /// );
    /// ```
    pub fn report(&self) -> String {
        // A tab or a line break would move the carets away from what they point at.
        let line: String = self.input.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let before = self.input.get(..self.span.start).unwrap_or_default();
        let indent = before.chars().count();
        let carets = self.offending().chars().count().max(1);
        format!("{self}\n  {line}\n  {:indent$}{}", "", "^".repeat(carets), indent = indent)
    }
}

/// The rule that was broken. Each message that belongs to a field names its valid range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("the expression is empty; write five fields, as in `0 9 * * MON-FRI`, or a nickname, as in `@daily`")]
    Empty,

    #[error("five fields are needed (minute, hour, day of month, month, day of week), but `{text}` has {found}")]
    FieldCount { text: String, found: usize },

    #[error("five fields are needed, but `{text}` has six: seconds are not supported, leave out `{first}`")]
    Seconds { text: String, first: String },

    #[error("unknown nickname `{text}`; there are {known}{}", sentence(.hint.as_deref()))]
    Nickname { text: String, known: String, hint: Option<String> },

    #[error("`{text}` is out of range {min}-{max}")]
    OutOfRange { text: String, min: u8, max: u8 },

    #[error("`{text}` is not a value of this field; valid are {}", .field.valid())]
    NotAValue { text: String, field: Field },

    #[error("`{text}` is not a value of this field; valid are {}; write `{short}`", .field.valid())]
    LongName { text: String, field: Field, short: String },

    #[error(
        "`{text}` belongs in the {owner} field, the {}; valid here are {}",
        .owner.ordinal(), .field.valid()
    )]
    WrongField { text: String, owner: Field, field: Field },

    #[error("`{text}` stands alone: a range or a step in {min}-{max} cannot hold it")]
    StandsAlone { text: String, min: u8, max: u8 },

    #[error("`{text}` has an empty list item; each item is a value in {min}-{max}")]
    EmptyItem { text: String, min: u8, max: u8 },

    #[error("`{text}` has `*` in a list, but `*` alone already means all of {min}-{max}")]
    StarInList { text: String, min: u8, max: u8 },

    #[error("`{text}` runs backwards in {min}-{max}; write `{meant}`")]
    Backwards { text: String, min: u8, max: u8, meant: String },

    #[error("`{text}` has a step but no range within {min}-{max}; write {meant}")]
    StepWithoutRange { text: String, min: u8, max: u8, meant: String },

    #[error("`{text}` needs a number in 1-{max} after its `/`")]
    NotAStep { text: String, max: u8 },

    #[error("the step of `{text}` is out of range 1-{max}")]
    StepZero { text: String, max: u8 },

    #[error("the step of `{text}` is out of range 1-{max}: only the value {first} would be left, so write `{first}`")]
    StepTooLarge { text: String, max: u8, first: String },

    #[error("`{text}` needs a weekday in 0-7 or SUN-SAT: `FRIL` is the last Friday of the month")]
    LastOfWhat { text: String },

    #[error("`#{nth}` in `{text}` is out of range 1-5, the weeks of a month")]
    Nth { text: String, nth: String },

    #[error("`{text}` has both `L` and `LW`, but within 1-31 only one of them can be the last day")]
    TwoLastDays { text: String },

    #[error("`{text}` never comes in month `{months}`, whose days are 1-{longest}: the schedule would never run")]
    Never { text: String, months: String, longest: u8 },

    #[error("`{text}` is not understood: {cause}")]
    Matcher { text: String, cause: String },

    #[error("unknown time zone `{name}`; {}", zone_hint(.nearest))]
    UnknownZone { name: String, nearest: Vec<&'static str> },
}

fn sentence(hint: Option<&str>) -> String {
    hint.map_or_else(String::new, |hint| format!("; {hint}"))
}

fn zone_hint(nearest: &[&str]) -> String {
    match nearest {
        [] => "zones have IANA names, as in `Europe/Berlin` or `UTC`".to_owned(),
        [one] => format!("the nearest IANA name is `{one}`"),
        many => format!("the nearest IANA names are `{}`", many.join("`, `")),
    }
}
