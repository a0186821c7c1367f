//! Schedules: the pinned cases, and random expressions against a minute-by-minute oracle.
//!
//! `PLAIN_WORKER_CRON_CASES` sets the number of random cases (500), `PLAIN_WORKER_CRON_SEED` the
//! seed of the first; a failure prints the seed with which one case alone comes again.

mod cron {
    pub mod expression;
    pub mod oracle;
}

use std::env;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use plain_worker::schedule::{Schedule, ScheduleError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use cron::expression::Expression;
use cron::oracle::Oracle;

const CASES: &str = include_str!("../cases/cron.tsv");
const LOCAL: &str = "%Y-%m-%dT%H:%M";

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    CASES.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

#[test]
fn pinned_expressions_run_when_they_should() {
    let mut checked = 0;
    for row in rows().filter(|row| row[0] != "refused") {
        let &[expression, zone, after, expected, ..] = row.as_slice() else {
            panic!("a row has four columns at least: {row:?}");
        };
        let schedule = Schedule::parse_in(expression, zone).expect(expression);
        let after = NaiveDateTime::parse_from_str(after, LOCAL).expect(after);
        let after = schedule.zone().from_local_datetime(&after).single().expect("an unambiguous start").to_utc();
        let expected: Vec<&str> = expected.split(' ').collect();
        let found: Vec<String> = schedule
            .upcoming(after)
            .take(expected.len())
            .map(|run| run.with_timezone(&schedule.zone()).format(LOCAL).to_string())
            .collect();
        assert_eq!(found, expected, "{expression} in {zone}");
        checked += 1;
    }
    assert!(checked >= 30, "only {checked} rows were read");
}

#[test]
fn pinned_refusals_name_field_range_and_text() {
    let mut checked = 0;
    for row in rows().filter(|row| row[0] == "refused") {
        let &[_, expression, field, offending] = row.as_slice() else {
            panic!("a refused row has four columns: {row:?}");
        };
        let error: ScheduleError = Schedule::parse(expression).expect_err(expression);
        assert_eq!(error.field().map_or("", |field| field.name()), field, "{expression}: {error}");
        assert_eq!(error.offending(), offending, "{expression}: {error}");
        let message = error.to_string();
        assert!(message.contains(offending), "{expression}: {message}");
        if let Some(field) = error.field() {
            assert!(message.starts_with(&format!("{field} field: ")), "{message}");
            // A step is counted from 1 and a month may be short, so only the shape is common.
            let range =
                message.as_bytes().windows(3).any(|w| w[0].is_ascii_digit() && w[1] == b'-' && w[2].is_ascii_digit());
            assert!(range, "{message}");
        }
        checked += 1;
    }
    assert!(checked >= 14, "only {checked} rows were read");
}

#[test]
fn random_expressions_agree_with_the_oracle() {
    let cases: u64 = setting("PLAIN_WORKER_CRON_CASES").unwrap_or(500);
    let first: u64 = setting("PLAIN_WORKER_CRON_SEED").unwrap_or_else(rand::random);
    for seed in (0..cases).map(|case| first.wrapping_add(case)) {
        if let Err(difference) = compare(seed) {
            panic!(
                "{difference}\nthis case alone: PLAIN_WORKER_CRON_SEED={seed} \
                 PLAIN_WORKER_CRON_CASES=1"
            );
        }
    }
}

fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    let Ok(value) = text.parse() else {
        panic!("{name}={text} is not a number");
    };
    Some(value)
}

/// One random expression in one zone, from one moment on.
fn compare(seed: u64) -> Result<(), String> {
    const HORIZON: TimeDelta = TimeDelta::days(60);
    const RUNS: usize = 150;
    const PROBES: usize = 16;

    let mut rng = StdRng::seed_from_u64(seed);
    let zone = [Tz::America__New_York, Tz::Europe__Berlin, Tz::Australia__Lord_Howe, Tz::UTC][rng.random_range(0..4)];
    let expression = Expression::random(&mut rng);
    let after = start(&mut rng, zone);
    let text = expression.to_string();
    let oracle = Oracle::new(&expression, zone);
    let schedule = match Schedule::parse(&text) {
        Ok(schedule) => schedule.with_zone(zone),
        Err(_) if expression.never_runs() => return Ok(()),
        Err(error) => return Err(format!("refused: {}", error.report())),
    };
    if expression.never_runs() {
        return Err(format!("{text} never runs, but was accepted"));
    }

    let end = after + HORIZON;
    let expected = oracle.runs(after, end, RUNS);
    let found: Vec<DateTime<Utc>> = schedule.upcoming(after).take_while(|run| *run <= end).take(RUNS).collect();
    if found != expected {
        let differ = found.iter().zip(&expected).take_while(|(a, b)| a == b);
        let at = differ.count();
        return Err(format!(
            "{text} in {zone} after {after}: run {at} is {:?}, the oracle says {:?}",
            found.get(at),
            expected.get(at)
        ));
    }
    let change = clock_change(after, zone).filter(|change| *change < end);
    for probe in 0..PROBES {
        let from = match change {
            // Questions from within a gap's minute or a repeated hour are rare otherwise.
            Some(change) if probe % 2 == 0 => change + TimeDelta::seconds(rng.random_range(-2 * 3600..2 * 3600)),
            _ => after + TimeDelta::seconds(rng.random_range(0..4 * 24 * 3600)),
        };
        let until = from + TimeDelta::days(3);
        let expected = oracle.runs(from, until, 1).first().copied();
        let found = schedule.next_after(from).filter(|run| *run <= until);
        if found != expected {
            return Err(format!("{text} in {zone} after {from}: {found:?}, the oracle says {expected:?}"));
        }
    }
    Ok(())
}

/// A moment of the years 2000 to 2035; half of them lie up to two days before the clocks change.
fn start(rng: &mut StdRng, zone: Tz) -> DateTime<Utc> {
    let first = DateTime::from_timestamp(946_684_800, 0).expect("the year 2000");
    let start = first + TimeDelta::seconds(rng.random_range(0..35 * 365 * 24 * 3600));
    if rng.random_bool(0.5) {
        return start;
    }
    clock_change(start, zone).map_or(start, |change| change - TimeDelta::seconds(rng.random_range(0..48 * 3600)))
}

/// The next change of the zone's offset, within a year and rounded up to the hour.
fn clock_change(from: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() - at.naive_utc();
    (0..366 * 24).map(|hour| from + TimeDelta::hours(hour)).find(|at| offset(*at) != offset(from))
}
