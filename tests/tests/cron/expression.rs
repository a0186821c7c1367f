//! Random expressions that know by themselves what they mean: no text is read back.

use std::fmt;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use rand::RngExt;
use rand::rngs::StdRng;

const WEEKDAYS: [&str; 7] = ["SUN", "mon", "Tue", "WED", "thu", "FRI", "sat"];
const MONTHS: [&str; 12] = ["JAN", "feb", "Mar", "APR", "may", "JUN", "jul", "AUG", "SEP", "oct", "NOV", "dec"];

/// What a field's item accepts, told by the calendar alone.
enum Rule {
    Among(Vec<u32>),
    LastDay,
    LastWorkday,
    NearestWorkday(u32),
    Nth(u32, u32),
    LastOf(u32),
}

struct Part {
    text: String,
    rules: Vec<Rule>,
}

pub struct Expression {
    minute: Part,
    hour: Part,
    day: Part,
    month: Part,
    weekday: Part,
}

impl Expression {
    pub fn random(rng: &mut StdRng) -> Expression {
        Expression {
            minute: numbers(rng, 0, 59, 0.25, &[]),
            // Early hours are where the clocks change.
            hour: if rng.random_bool(0.3) { numbers(rng, 0, 4, 0.0, &[]) } else { numbers(rng, 0, 23, 0.4, &[]) },
            day: day(rng),
            month: numbers(rng, 1, 12, 0.8, &MONTHS),
            weekday: weekday(rng),
        }
    }

    pub fn is_fixed(&self) -> bool {
        !self.minute.text.starts_with('*') && !self.hour.text.starts_with('*')
    }

    pub fn matches_time(&self, at: NaiveDateTime) -> bool {
        self.minute.has(at.minute()) && self.hour.has(at.hour())
    }

    pub fn matches_day(&self, date: NaiveDate) -> bool {
        if !self.month.has(date.month()) {
            return false;
        }
        let by_month = self.day.rules.iter().any(|rule| rule.accepts(date, date.day()));
        let weekday = date.weekday().num_days_from_sunday();
        let by_week = self.weekday.rules.iter().any(|rule| rule.accepts(date, weekday));
        match (self.day.text.as_str(), self.weekday.text.as_str()) {
            ("*", _) => by_week,
            (_, "*") => by_month,
            _ => by_month || by_week,
        }
    }

    /// Whether no day of a whole cycle of the calendar's 400 years matches.
    pub fn never_runs(&self) -> bool {
        let first = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date");
        !first.iter_days().take(146_097).any(|date| self.matches_day(date))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expression { minute, hour, day, month, weekday } = self;
        write!(f, "{} {} {} {} {}", minute.text, hour.text, day.text, month.text, weekday.text)
    }
}

impl Part {
    fn has(&self, value: u32) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Among(values) if values.contains(&value)))
    }
}

impl Rule {
    fn accepts(&self, date: NaiveDate, value: u32) -> bool {
        let weekday = date.weekday().num_days_from_sunday();
        match *self {
            Rule::Among(ref values) => values.contains(&value),
            Rule::LastDay => date.succ_opt().is_some_and(|next| next.day() == 1),
            Rule::LastWorkday => {
                (1..=5).contains(&weekday)
                    && date
                        .iter_days()
                        .skip(1)
                        .take_while(|next| next.month() == date.month())
                        .all(|next| matches!(next.weekday().num_days_from_sunday(), 0 | 6))
            }
            Rule::NearestWorkday(day) => nearest_workday(date, day) == Some(date),
            Rule::Nth(on, week) => weekday == on && date.day().div_ceil(7) == week,
            Rule::LastOf(on) => weekday == on && (date + chrono::TimeDelta::days(7)).month() != date.month(),
        }
    }
}

/// The working day of `month`'s month that is nearest to its day number `day`.
fn nearest_workday(month: NaiveDate, day: u32) -> Option<NaiveDate> {
    let wanted = month.with_day(day)?;
    // A Saturday prefers the day before, a Sunday the day after; two days only at a month's end.
    [0, -1, 1, -2, 2]
        .into_iter()
        .map(|days| wanted + chrono::TimeDelta::days(days))
        .find(|near| near.month() == month.month() && (1..=5).contains(&near.weekday().num_days_from_sunday()))
}

/// A `*`, or a list of values, ranges and steps.
fn numbers(rng: &mut StdRng, min: u32, max: u32, star: f64, names: &[&str]) -> Part {
    if rng.random_bool(star) {
        return Part { text: "*".to_owned(), rules: vec![Rule::Among((min..=max).collect())] };
    }
    let write = |rng: &mut StdRng, value: u32| match names.get((value - min) as usize) {
        Some(name) if rng.random_bool(0.5) => (*name).to_owned(),
        _ => value.to_string(),
    };
    let mut texts = Vec::new();
    let mut rules = Vec::new();
    for _ in 0..rng.random_range(1..=3) {
        let from = rng.random_range(min..=max);
        let to = rng.random_range(from..=max);
        let (text, values) = match rng.random_range(0..6) {
            // The field itself ends at 59, 23, 31 or 12, so a narrower range writes no `*`.
            0 if min + max >= 13 => {
                let step = rng.random_range(2..=(max - min).min(30));
                (format!("*/{step}"), (min..=max).step_by(step as usize).collect())
            }
            1 if to - from >= 2 => {
                let step = rng.random_range(2..=to - from);
                let text = format!("{}-{}/{step}", write(rng, from), write(rng, to));
                (text, (from..=to).step_by(step as usize).collect())
            }
            2 | 3 => {
                let text = format!("{}-{}", write(rng, from), write(rng, to));
                (text, (from..=to).collect::<Vec<_>>())
            }
            _ => (write(rng, from), vec![from]),
        };
        texts.push(text);
        rules.push(Rule::Among(values));
    }
    Part { text: texts.join(","), rules }
}

fn day(rng: &mut StdRng) -> Part {
    let day = rng.random_range(1..=31);
    let (text, rule) = match rng.random_range(0..12) {
        0 => ("L".to_owned(), Rule::LastDay),
        1 => ("LW".to_owned(), Rule::LastWorkday),
        2 => (format!("{day}W"), Rule::NearestWorkday(day)),
        _ => return numbers(rng, 1, 31, 0.6, &[]),
    };
    let mut part = Part { text, rules: vec![rule] };
    if rng.random_bool(0.3) {
        part.text = format!("{},{day}", part.text);
        part.rules.push(Rule::Among(vec![day]));
    }
    part
}

fn weekday(rng: &mut StdRng) -> Part {
    let day = rng.random_range(0..=7_u32);
    let written = if rng.random_bool(0.5) { WEEKDAYS[(day % 7) as usize].to_owned() } else { day.to_string() };
    let (text, rules) = match rng.random_range(0..12) {
        0 => {
            let week = rng.random_range(1..=5);
            (format!("{written}#{week}"), vec![Rule::Nth(day % 7, week)])
        }
        1 => (format!("{written}L"), vec![Rule::LastOf(day % 7)]),
        2 => (format!("{written},6-7"), vec![Rule::Among(vec![day % 7, 6, 0])]),
        3 => ("mon-FRI".to_owned(), vec![Rule::Among((1..=5).collect())]),
        4 => ("FRI-sun".to_owned(), vec![Rule::Among(vec![5, 6, 0])]),
        5 => ("*/2".to_owned(), vec![Rule::Among(vec![0, 2, 4, 6])]),
        6 => (written, vec![Rule::Among(vec![day % 7])]),
        _ => ("*".to_owned(), vec![Rule::Among((0..=6).collect())]),
    };
    Part { text, rules }
}
