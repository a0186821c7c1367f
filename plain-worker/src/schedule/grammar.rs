//! From the text of an expression to its five checked fields, or to the reason for refusing it.

use std::ops::Range;

use super::error::{Reason, ScheduleError};
use super::field::Field;
use super::item::Items;
use super::reader::Reader;

/// The nicknames and what they stand for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The five fields of an expression or of the nickname that stands for one.
pub(super) fn read(input: &str) -> Result<[Items; 5], ScheduleError> {
    let words = words(input);
    let Some(text) = whole(&words) else {
        return Err(ScheduleError::new(input, 0..input.len(), None, Reason::Empty));
    };
    if input[text.clone()].starts_with('@') {
        return read(nickname(input, text)?);
    }
    let spans: [Range<usize>; 5] = words.try_into().map_err(|words: Vec<_>| wrong_count(input, text, &words))?;
    read_fields(input, spans)
}

/// The five fields at the given places of the input.
pub(super) fn read_fields(input: &str, spans: [Range<usize>; 5]) -> Result<[Items; 5], ScheduleError> {
    let [minute, hour, day, month, weekday] = spans;
    let read = |field, span| Reader { input, field }.items(span);
    let fields = [
        read(Field::Minute, minute)?,
        read(Field::Hour, hour)?,
        read(Field::DayOfMonth, day.clone())?,
        read(Field::Month, month)?,
        read(Field::DayOfWeek, weekday)?,
    ];
    match never(&fields) {
        None => Ok(fields),
        Some(reason) => Err(ScheduleError::new(input, day, Some(Field::DayOfMonth), reason)),
    }
}

/// Where the words of the input are.
fn words(input: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = 0;
    for piece in input.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !word.is_empty() {
            words.push(start..start + word.len());
        }
        start += piece.len();
    }
    words
}

/// From the first word to the last.
fn whole(words: &[Range<usize>]) -> Option<Range<usize>> {
    Some(words.first()?.start..words.last()?.end)
}

fn nickname(input: &str, span: Range<usize>) -> Result<&'static str, ScheduleError> {
    let text = &input[span.clone()];
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    if let Some((_, expression)) = known {
        return Ok(expression);
    }
    let lower = text.to_lowercase();
    let hint = if lower == "@reboot" {
        Some("what must run at a start belongs in `main`".to_owned())
    } else {
        NICKNAMES
            .iter()
            .map(|(name, _)| (strsim::damerau_levenshtein(&lower, name), *name))
            .min()
            .filter(|(distance, _)| *distance <= 2)
            .map(|(_, name)| format!("did you mean `{name}`?"))
    };
    let known = NICKNAMES.map(|(name, _)| name).join(", ");
    let text = text.to_owned();
    Err(ScheduleError::new(input, span, None, Reason::Nickname { text, known, hint }))
}

fn wrong_count(input: &str, whole: Range<usize>, words: &[Range<usize>]) -> ScheduleError {
    let text = input[whole.clone()].to_owned();
    match words {
        [first, _, _, _, _, _] => {
            let reason = Reason::Seconds { text, first: input[first.clone()].to_owned() };
            ScheduleError::new(input, first.clone(), None, reason)
        }
        _ => {
            let found = words.len();
            ScheduleError::new(input, whole, None, Reason::FieldCount { text, found })
        }
    }
}

/// Why the days never come, if so: only a day of the month can be one that its months lack.
fn never(fields: &[Items; 5]) -> Option<Reason> {
    let [_, _, day, month, weekday] = fields;
    if !weekday.is_star() {
        return None;
    }
    let longest = month
        .values()
        .into_iter()
        .map(|month| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        })
        .max()?;
    let first = day.items.iter().map(|item| item.first_day()).min()?;
    (first > longest).then(|| Reason::Never { text: day.text.clone(), months: month.text.clone(), longest })
}
