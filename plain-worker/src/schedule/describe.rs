//! An expression in English words.

use super::item::{Item, Items};

/// More times of day than this are told by their fields.
const MOST_TIMES: usize = 6;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

pub(super) fn describe(fields: &[Items; 5]) -> String {
    let [minute, hour, day, month, weekday] = fields;
    let mut words = time(minute, hour);
    if let Some(days) = days(day, weekday) {
        words.push_str(", ");
        words.push_str(&days);
    } else if words.starts_with("at ") && month.is_star() && !hour.is_star() {
        words.push_str(" every day");
    }
    if !month.is_star() {
        words.push_str(", in ");
        words.push_str(&spans(&month.values(), |month| name(&MONTHS, month.saturating_sub(1))));
    }
    // The first letter is ASCII: every text of `time` begins with "at" or "every".
    words[..1].make_ascii_uppercase();
    words
}

fn time(minute: &Items, hour: &Items) -> String {
    let (minutes, hours) = (minute.values(), hour.values());
    if !minute.begins_with_star() && !hour.begins_with_star() && minutes.len() * hours.len() <= MOST_TIMES {
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |m| format!("{hour:02}:{m:02}"))).collect();
        return format!("at {}", list(times));
    }
    let every_hour = even_step(hour).map(|step| match step {
        1 => "every hour".to_owned(),
        step => format!("every {step} hours"),
    });
    if minutes == [0] {
        return every_hour.unwrap_or_else(|| match hours.as_slice() {
            [first, .., last] if usize::from(last - first) + 1 == hours.len() => {
                format!("every hour from {first:02}:00 to {last:02}:00")
            }
            _ => format!("at {}", list(hours.iter().map(|hour| format!("{hour:02}:00")).collect())),
        });
    }
    let minutes = match even_step(minute) {
        Some(1) => "every minute".to_owned(),
        Some(step) => format!("every {step} minutes"),
        None if minutes.len() == 1 => format!("at minute {}", spans(&minutes, |m| m.to_string())),
        None => format!("at minutes {}", spans(&minutes, |m| m.to_string())),
    };
    let at = minutes.starts_with("at ");
    match (every_hour, hours.as_slice()) {
        (Some(_), _) if hour.is_star() && !at => minutes,
        (Some(hours), _) if at && hour.is_star() => format!("{minutes} of {hours}"),
        (Some(hours), _) if at => format!("{hours} {minutes}"),
        (_, [hour]) => format!("{minutes} of hour {hour}"),
        (_, hours) => format!("{minutes} of hours {}", spans(hours, |h| h.to_string())),
    }
}

/// The step of a field that runs evenly round the clock.
fn even_step(field: &Items) -> Option<u8> {
    match field.items.as_slice() {
        [Item::All] => Some(1),
        [Item::Step(step)] if (field.field.max() + 1).is_multiple_of(*step) => Some(*step),
        _ => None,
    }
}

fn days(day: &Items, weekday: &Items) -> Option<String> {
    let by_month = (!day.is_star()).then(|| days_of_month(day));
    let by_week = (!weekday.is_star()).then(|| weekdays(weekday));
    match (by_month, by_week) {
        (None, None) => None,
        (Some(days), None) => Some(days),
        (None, Some(days)) => Some(match days.strip_prefix("on ") {
            Some(range) if range.contains(" to ") && !range.contains(',') => range.to_owned(),
            _ => days,
        }),
        (Some(month), Some(week)) => Some(format!("{month} or {week}")),
    }
}

fn days_of_month(day: &Items) -> String {
    let mut parts = Vec::new();
    let values = day.values();
    match day.items.as_slice() {
        [Item::Step(2)] => parts.push("every other day of the month from day 1".to_owned()),
        [Item::Step(step)] => parts.push(format!("every {step} days of the month from day 1")),
        _ if values.is_empty() => {}
        _ => parts.push(format!("day {} of the month", spans(&values, |day| day.to_string()))),
    }
    for item in &day.items {
        match item {
            Item::LastDay => parts.push("the last day of the month".to_owned()),
            Item::LastWorkday => parts.push("the last working day of the month".to_owned()),
            Item::NearestWorkday(day) => {
                parts.push(format!("the working day nearest to day {day} of the month"));
            }
            _ => {}
        }
    }
    format!("on {}", list(parts))
}

fn weekdays(weekday: &Items) -> String {
    let day_name = |day: u8| name(&WEEKDAYS, day);
    let mut parts = Vec::new();
    let mut values = weekday.values();
    if !values.is_empty() {
        // The week is told from Monday on, so that Saturday and Sunday stand together.
        if values.len() < 7 && values[0] == 0 && values.contains(&6) {
            values.remove(0);
            values.push(7);
        }
        parts.push(spans(&values, day_name));
    }
    for item in &weekday.items {
        let (from, to, which) = match *item {
            Item::Nth { from, to, week } => (from, to, name(&ORDINALS, week.saturating_sub(1))),
            Item::Last { from, to } => (from, to, "last".to_owned()),
            _ => continue,
        };
        let days = (from..=to).map(day_name).collect();
        parts.push(format!("the {which} {} of the month", list(days)));
    }
    format!("on {}", list(parts))
}

/// Values in words, three or more in a row as a range.
fn spans(values: &[u8], word: impl Fn(u8) -> String) -> String {
    let mut parts = Vec::new();
    for row in values.chunk_by(|a, b| a + 1 == *b) {
        match row {
            [first, _, .., last] => parts.push(format!("{} to {}", word(*first), word(*last))),
            few => parts.extend(few.iter().map(|value| word(*value))),
        }
    }
    list(parts)
}

/// "a", "a and b", "a, b and c".
fn list(mut parts: Vec<String>) -> String {
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}

fn name(names: &[&str], index: u8) -> String {
    let index = usize::from(index) % names.len();
    names[index].to_owned()
}
