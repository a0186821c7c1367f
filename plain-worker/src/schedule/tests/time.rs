//! The awkward corners of time.

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::super::Schedule;
use super::{at, runs};

#[test]
fn several_slots_in_a_gap_are_one_run_at_its_end() {
    // 03:00 is a slot of its own and the end of the gap.
    assert_eq!(
        runs("0,20,40 2,3 * * *", "America/New_York", "2024-03-09T17:00:00Z", 4),
        [
            "2024-03-10T03:00:00-04:00",
            "2024-03-10T03:20:00-04:00",
            "2024-03-10T03:40:00-04:00",
            "2024-03-11T02:00:00-04:00"
        ]
    );
    // Asked from within the gap's minute, and from its end.
    assert_eq!(runs("30 2 * * *", "America/New_York", "2024-03-10T06:59:59.5Z", 1), ["2024-03-10T03:00:00-04:00"]);
    assert_eq!(runs("30 2 * * *", "America/New_York", "2024-03-10T07:00:00Z", 1), ["2024-03-11T02:30:00-04:00"]);
}

#[test]
fn elapsed_times_run_in_both_passes() {
    assert_eq!(
        runs("*/30 1 * * *", "America/New_York", "2024-11-02T12:00:00Z", 5),
        [
            "2024-11-03T01:00:00-04:00",
            "2024-11-03T01:30:00-04:00",
            "2024-11-03T01:00:00-05:00",
            "2024-11-03T01:30:00-05:00",
            "2024-11-04T01:00:00-05:00"
        ]
    );
    assert_eq!(
        runs("* * * * *", "America/New_York", "2024-11-03T05:58:30Z", 3),
        ["2024-11-03T01:59:00-04:00", "2024-11-03T01:00:00-05:00", "2024-11-03T01:01:00-05:00"]
    );
}

#[test]
fn fixed_times_run_in_the_first_pass_only() {
    // 06:10 UTC is 01:10 for the second time, so the 01:30 of this day is over.
    for after in ["2024-11-03T05:30:00Z", "2024-11-03T06:10:00Z"] {
        assert_eq!(runs("30 1 * * *", "America/New_York", after, 1), ["2024-11-04T01:30:00-05:00"]);
    }
}

#[test]
fn half_an_hour_of_lord_howe() {
    // The clocks go from 02:00 to 02:30 in October and from 02:00 to 01:30 in April.
    assert_eq!(
        runs("15 2 * * *", "Australia/Lord_Howe", "2024-10-05T00:00:00Z", 2),
        ["2024-10-06T02:30:00+11:00", "2024-10-07T02:15:00+11:00"]
    );
    assert_eq!(
        runs("*/15 * * * *", "Australia/Lord_Howe", "2024-10-05T15:15:00Z", 2),
        ["2024-10-06T02:30:00+11:00", "2024-10-06T02:45:00+11:00"]
    );
    assert_eq!(
        runs("*/15 1 * * *", "Australia/Lord_Howe", "2024-04-06T14:30:00Z", 4),
        [
            "2024-04-07T01:45:00+11:00",
            "2024-04-07T01:30:00+10:30",
            "2024-04-07T01:45:00+10:30",
            "2024-04-08T01:00:00+10:30"
        ]
    );
    assert_eq!(
        runs("45 1 * * *", "Australia/Lord_Howe", "2024-04-06T14:30:00Z", 2),
        ["2024-04-07T01:45:00+11:00", "2024-04-08T01:45:00+10:30"]
    );
}

#[test]
fn gaps_at_midnight_and_of_a_whole_day() {
    // Santiago skips the first hour of 2024-09-08.
    assert_eq!(
        runs("0 0 * * *", "America/Santiago", "2024-09-07T12:00:00Z", 2),
        ["2024-09-08T01:00:00-03:00", "2024-09-09T00:00:00-03:00"]
    );
    // Samoa had no 30th of December in 2011.
    assert_eq!(
        runs("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3),
        ["2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"]
    );
    assert_eq!(
        runs("0 */12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", 2),
        ["2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"]
    );
    // Kwajalein had the whole of 1969-09-30 twice.
    let twice = runs("0 */12 * * *", "Pacific/Kwajalein", "1969-09-29T10:00:00Z", 5);
    let mut ordered = twice.clone();
    ordered.dedup();
    assert_eq!(ordered.len(), 5, "{twice:?}");
}

#[test]
fn an_answer_is_always_later() {
    let zones = [
        "UTC",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Antarctica/Troll",
    ];
    for zone in zones {
        for expression in ["* * * * *", "*/7 * * * *", "0-59/10 0-4 * * *", "30 */2 * * *"] {
            let schedule = Schedule::parse_in(expression, zone).expect("accepted");
            let mut now = at("2011-12-28T23:59:59.999999999Z");
            for _ in 0..2_000 {
                let next = schedule.next_after(now).expect("never ends");
                assert!(next > now, "{expression} in {zone} after {now}");
                // Nothing lies between, however the question is put.
                let between = now + (next - now) / 2;
                assert_eq!(schedule.next_after(between), Some(next));
                assert_eq!(schedule.next_after(next - TimeDelta::nanoseconds(1)), Some(next));
                now = next + TimeDelta::minutes(now.timestamp() % 311);
            }
        }
    }
}

#[test]
fn the_ends_of_time_are_no_panic() {
    let edges = [
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::MAX_UTC,
        at("0001-01-01T00:00:00Z"),
        at("4990-06-01T00:00:00Z"),
        at("4999-12-31T23:59:59Z"),
        DateTime::from_timestamp(95_649_119_999, 0).expect("the year 5000"),
        at("1883-11-18T16:00:00Z"),
    ];
    let zones = ["UTC", "Pacific/Kiritimati", "Asia/Manila", "America/New_York"];
    for edge in edges {
        for zone in zones {
            for expression in ["* * * * *", "0 0 29 2 *", "0 12 29 2 MON#5"] {
                let schedule = Schedule::parse_in(expression, zone).expect("accepted");
                if let Some(next) = schedule.next_after(edge) {
                    assert!(next > edge);
                }
            }
        }
    }
    let minute = Schedule::parse("* * * * *").expect("accepted");
    assert_eq!(minute.next_after(DateTime::<Utc>::MAX_UTC), None);
    assert_eq!(minute.upcoming(DateTime::<Utc>::MIN_UTC).count(), 0);
}

#[test]
fn rare_days_are_found_and_days_in_gaps_are_not() {
    // The longest wait there is: leap days on a Monday, over the common year 2100.
    assert_eq!(runs("0 0 * 2 MON#5", "UTC", "2072-03-01T00:00:00Z", 1), ["2112-02-29T00:00:00+00:00"]);
    // The second Sunday of March never has this hour in New York.
    let gap = Schedule::parse_in("*/15 2 * 3 SUN#2", "America/New_York").expect("accepted");
    assert_eq!(gap.next_after(at("2024-01-01T00:00:00Z")), None);
}

#[test]
fn local_mean_time_has_seconds() {
    let zone: Tz = "America/New_York".parse().expect("known");
    let local = NaiveDate::from_ymd_opt(1880, 1, 1).and_then(|day| day.and_hms_opt(9, 0, 0)).expect("a date");
    let nine = zone.from_local_datetime(&local).single().expect("one");
    let schedule = Schedule::parse("0 9 * * *").expect("accepted").with_zone(zone);
    let before = nine.to_utc() - TimeDelta::seconds(1);
    assert_eq!(schedule.next_after(before), Some(nine.to_utc()));
}
