//! The checker, the words and the awkward corners of time; the pinned cases and the oracle are
//! in the workspace's test package.

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::{Field, Schedule, parse_zone};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn runs(expression: &str, zone: &str, after: &str, n: usize) -> Vec<String> {
    let schedule = Schedule::parse_in(expression, zone).expect("accepted");
    schedule
        .upcoming(at(after))
        .take(n)
        .map(|run| run.with_timezone(&schedule.zone()).to_rfc3339())
        .collect()
}

#[track_caller]
fn refused(expression: &str, report: &str) {
    let error = Schedule::parse(expression).expect_err(expression);
    assert_eq!(error.report(), report);
    assert_eq!(error.offending(), &error.input()[error.range()]);
}

#[test]
fn a_refusal_names_field_range_and_text() {
    refused(
        "60 * * * *",
        "minute field: `60` is out of range 0-59\n  60 * * * *\n  ^^",
    );
    refused(
        "0 25 * * *",
        "hour field: `25` is out of range 0-23\n  0 25 * * *\n    ^^",
    );
    refused(
        "* * 32 * *",
        "day of month field: `32` is out of range 1-31\n  * * 32 * *\n      ^^",
    );
    refused(
        "* * * 13 *",
        "month field: `13` is out of range 1-12\n  * * * 13 *\n        ^^",
    );
    refused(
        "0 0 * * 1,8",
        "day of week field: `8` is out of range 0-7\n  0 0 * * 1,8\n            ^",
    );
    refused(
        "99999999999999999999 * * * *",
        "minute field: `99999999999999999999` is out of range 0-59\n  99999999999999999999 * * * *\n  ^^^^^^^^^^^^^^^^^^^^",
    );
    refused(
        "20-10 * * * *",
        "minute field: `20-10` runs backwards in 0-59; write `20-59,0-10`\n  20-10 * * * *\n  ^^^^^",
    );
    refused(
        "5, * * * *",
        "minute field: `5,` has an empty list item; each item is a value in 0-59\n  5, * * * *\n  ^^",
    );
    refused(
        "0 *,5 * * *",
        "hour field: `*,5` has `*` in a list, but `*` alone already means all of 0-23\n  0 *,5 * * *\n    ^^^",
    );
    refused(
        "x * * * *",
        "minute field: `x` is not a value of this field; valid are 0-59\n  x * * * *\n  ^",
    );
    refused(
        "0 0 L,LW * *",
        "day of month field: `L,LW` has both `L` and `LW`, but within 1-31 only one of them can be the last day\n  0 0 L,LW * *\n      ^^^^",
    );
    refused(
        "0 0 * * FRI#6",
        "day of week field: `#6` in `FRI#6` is out of range 1-5, the weeks of a month\n  0 0 * * FRI#6\n          ^^^^^",
    );
    refused(
        "0 0 * * L",
        "day of week field: `L` needs a weekday in 0-7 or SUN-SAT: `FRIL` is the last Friday of the month\n  0 0 * * L\n          ^",
    );
}

#[test]
fn a_refused_step_says_what_is_meant() {
    refused(
        "*/70 * * * *",
        "minute field: the step of `*/70` is out of range 1-59: only the value 0 would be left, so write `0`\n  */70 * * * *\n  ^^^^",
    );
    refused(
        "0/15 * * * *",
        "minute field: `0/15` has a step but no range within 0-59; write `*/15` or `0-59/15`\n  0/15 * * * *\n  ^^^^",
    );
    refused(
        "0 5/6 * * *",
        "hour field: `5/6` has a step but no range within 0-23; write `5-23/6`\n  0 5/6 * * *\n    ^^^",
    );
    refused(
        "/5 * * * *",
        "minute field: `/5` has a step but no range within 0-59; write `*/5`\n  /5 * * * *\n  ^^",
    );
    refused(
        "0 0 * mar/3 *",
        "month field: `mar/3` has a step but no range within 1-12; write `MAR-DEC/3`\n  0 0 * mar/3 *\n        ^^^^^",
    );
    refused(
        "*/0 * * * *",
        "minute field: the step of `*/0` is out of range 1-59\n  */0 * * * *\n  ^^^",
    );
    refused(
        "*/ * * * *",
        "minute field: `*/` needs a number in 1-59 after its `/`\n  */ * * * *\n  ^^",
    );
    refused(
        "10-20/15 * * * *",
        "minute field: the step of `10-20/15` is out of range 1-10: only the value 10 would be left, so write `10`\n  10-20/15 * * * *\n  ^^^^^^^^",
    );
}

#[test]
fn a_name_is_valid_in_its_own_field_only() {
    refused(
        "MON * * * *",
        "minute field: `MON` belongs in the day of week field, the fifth; valid here are 0-59\n  MON * * * *\n  ^^^",
    );
    refused(
        "0 0 * * jan",
        "day of week field: `jan` belongs in the month field, the fourth; valid here are 0-7 and SUN-SAT, also as `FRI#2` and `FRIL`\n  0 0 * * jan\n          ^^^",
    );
    refused(
        "0 0 15W,FRIL * *",
        "day of month field: `FRIL` belongs in the day of week field, the fifth; valid here are 1-31, `L`, `LW` and `15W`\n  0 0 15W,FRIL * *\n          ^^^^",
    );
    refused(
        "0 L * * *",
        "hour field: `L` belongs in the day of month field, the third; valid here are 0-23\n  0 L * * *\n    ^",
    );
    refused(
        "0 0 * * Monday",
        "day of week field: `Monday` is not a value of this field; valid are 0-7 and SUN-SAT, also as `FRI#2` and `FRIL`; write `MON`\n  0 0 * * Monday\n          ^^^^^^",
    );
}

#[test]
fn the_count_of_fields_is_checked() {
    refused(
        "* * * *",
        "five fields are needed (minute, hour, day of month, month, day of week), but `* * * *` has 4\n  * * * *\n  ^^^^^^^",
    );
    refused(
        "30 0 9 * * *",
        "five fields are needed, but `30 0 9 * * *` has six: seconds are not supported, leave out `30`\n  30 0 9 * * *\n  ^^",
    );
    refused(
        "",
        "the expression is empty; write five fields, as in `0 9 * * MON-FRI`, or a nickname, as in `@daily`\n  \n  ^",
    );
    refused(
        "@reboot",
        "unknown nickname `@reboot`; there are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly; what must run at a start belongs in `main`\n  @reboot\n  ^^^^^^^",
    );
    refused(
        "@dayly",
        "unknown nickname `@dayly`; there are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly; did you mean `@daily`?\n  @dayly\n  ^^^^^^",
    );
    assert!(Schedule::parse("@daily *").is_err());
    assert!(Schedule::parse(" \t\n").is_err());
}

#[test]
fn a_part_of_the_builder_is_one_field() {
    let error = Schedule::builder()
        .minute("0 5")
        .build()
        .expect_err("a space");
    assert_eq!(error.field(), Some(Field::Minute));
    assert_eq!(error.offending(), "0 5");
    let error = Schedule::builder().hour("").build().expect_err("empty");
    assert_eq!(error.field(), Some(Field::Hour));
}

#[test]
fn days_that_never_come_are_refused() {
    refused(
        "0 0 30 2 *",
        "day of month field: `30` never comes in month `2`, whose days are 1-29: the schedule would never run\n  0 0 30 2 *\n      ^^",
    );
    assert!(Schedule::parse("0 0 31 4,jun *").is_err());
    assert!(Schedule::parse("0 0 31W FEB *").is_err());
    assert!(Schedule::parse("0 0 31,30 2 ?").is_err());
}

/// Our rule for days that never come agrees with what croner finds.
#[test]
fn what_is_accepted_runs() {
    let days = [
        "*", "1", "28", "29", "30", "31", "29W", "30W", "31W", "L", "LW", "30-31", "*/30", "31,5",
    ];
    let weekdays = ["*", "MON", "7#5", "FRIL", "*/2"];
    let start = at("2001-01-01T00:00:00Z");
    for day in days {
        for weekday in weekdays {
            for month in 1..=12 {
                let expression = format!("0 0 {day} {month} {weekday}");
                let ours = Schedule::parse(&expression).map(|s| s.next_after(start));
                let theirs = croner::parser::CronParser::new()
                    .parse(&expression)
                    .ok()
                    .and_then(|cron| cron.find_next_occurrence(&start, false).ok());
                assert_eq!(ours.ok().flatten(), theirs, "{expression}");
            }
        }
    }
}

#[test]
fn the_normal_form_reads_back_as_itself() {
    for (written, normal) in [
        ("  00  09 * *  mon-Fri ", "0 9 * * MON-FRI"),
        ("*/1 0 ? jan ?", "* 0 * JAN *"),
        ("*/05 8-10/2 1,15W,l * fri#2", "*/5 8-10/2 1,15W,L * FRI#2"),
        ("0 0 lw * 1-5#L,6L,sunl", "0 0 LW * 1-5#L,6L,SUNL"),
        (
            "0 0 * * sat-sun,fri-sun,sun-sun",
            "0 0 * * SAT-SUN,FRI-SUN,SUN-SUN",
        ),
        ("@WEEKLY", "0 0 * * 0"),
        ("@Annually", "0 0 1 1 *"),
    ] {
        let schedule = Schedule::parse(written).expect(written);
        assert_eq!(schedule.to_string(), normal);
        let again: Schedule = normal.parse().expect(normal);
        assert_eq!(again, schedule);
        assert_eq!(again.expression(), normal);
    }
    assert_ne!(
        Schedule::parse("@daily").expect("known"),
        Schedule::parse_in("@daily", "Europe/Berlin").expect("known")
    );
}

#[test]
fn a_range_may_end_with_sunday() {
    let sunday = runs("0 0 * * SAT-SUN", "UTC", "2026-01-05T00:00:00Z", 3);
    assert_eq!(
        sunday,
        [
            "2026-01-10T00:00:00+00:00",
            "2026-01-11T00:00:00+00:00",
            "2026-01-17T00:00:00+00:00"
        ]
    );
    let error = Schedule::parse("0 0 * * SAT-MON").expect_err("backwards");
    assert!(
        error.to_string().ends_with("write `SAT-SUN,MON`"),
        "{error}"
    );
    assert!(Schedule::parse("0 0 * * SAT-SUN,MON").is_ok());
}

#[test]
fn an_unknown_zone_names_the_nearest() {
    for (written, nearest) in [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("utc", "UTC"),
        ("US/Estern", "US/Eastern"),
        ("Asia/Tokio", "Asia/Tokyo"),
    ] {
        let error = parse_zone(written).expect_err(written);
        assert!(error.nearest_zones().contains(&nearest), "{error}");
        assert_eq!(error.offending(), written);
    }
    let error = parse_zone("Middle-earth/Mordor").expect_err("unknown");
    assert_eq!(
        error.report(),
        "unknown time zone `Middle-earth/Mordor`; zones have IANA names, as in `Europe/Berlin` or `UTC`\n  Middle-earth/Mordor\n  ^^^^^^^^^^^^^^^^^^^"
    );
    assert!(parse_zone("").is_err());
    for zone in chrono_tz::TZ_VARIANTS {
        assert_eq!(parse_zone(zone.name()), Ok(zone));
    }
}

#[test]
fn several_slots_in_a_gap_are_one_run_at_its_end() {
    // 03:00 is a slot of its own and the end of the gap.
    assert_eq!(
        runs(
            "0,20,40 2,3 * * *",
            "America/New_York",
            "2024-03-09T17:00:00Z",
            4
        ),
        [
            "2024-03-10T03:00:00-04:00",
            "2024-03-10T03:20:00-04:00",
            "2024-03-10T03:40:00-04:00",
            "2024-03-11T02:00:00-04:00"
        ]
    );
    // Asked from within the gap's minute, and from its end.
    assert_eq!(
        runs(
            "30 2 * * *",
            "America/New_York",
            "2024-03-10T06:59:59.5Z",
            1
        ),
        ["2024-03-10T03:00:00-04:00"]
    );
    assert_eq!(
        runs("30 2 * * *", "America/New_York", "2024-03-10T07:00:00Z", 1),
        ["2024-03-11T02:30:00-04:00"]
    );
}

#[test]
fn elapsed_times_run_in_both_passes() {
    assert_eq!(
        runs(
            "*/30 1 * * *",
            "America/New_York",
            "2024-11-02T12:00:00Z",
            5
        ),
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
        [
            "2024-11-03T01:59:00-04:00",
            "2024-11-03T01:00:00-05:00",
            "2024-11-03T01:01:00-05:00"
        ]
    );
}

#[test]
fn fixed_times_run_in_the_first_pass_only() {
    // 06:10 UTC is 01:10 for the second time, so the 01:30 of this day is over.
    for after in ["2024-11-03T05:30:00Z", "2024-11-03T06:10:00Z"] {
        assert_eq!(
            runs("30 1 * * *", "America/New_York", after, 1),
            ["2024-11-04T01:30:00-05:00"]
        );
    }
}

#[test]
fn half_an_hour_of_lord_howe() {
    // The clocks go from 02:00 to 02:30 in October and from 02:00 to 01:30 in April.
    assert_eq!(
        runs(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2024-10-05T00:00:00Z",
            2
        ),
        ["2024-10-06T02:30:00+11:00", "2024-10-07T02:15:00+11:00"]
    );
    assert_eq!(
        runs(
            "*/15 * * * *",
            "Australia/Lord_Howe",
            "2024-10-05T15:15:00Z",
            2
        ),
        ["2024-10-06T02:30:00+11:00", "2024-10-06T02:45:00+11:00"]
    );
    assert_eq!(
        runs(
            "*/15 1 * * *",
            "Australia/Lord_Howe",
            "2024-04-06T14:30:00Z",
            4
        ),
        [
            "2024-04-07T01:45:00+11:00",
            "2024-04-07T01:30:00+10:30",
            "2024-04-07T01:45:00+10:30",
            "2024-04-08T01:00:00+10:30"
        ]
    );
    assert_eq!(
        runs(
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2024-04-06T14:30:00Z",
            2
        ),
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
        [
            "2011-12-29T09:00:00-10:00",
            "2011-12-31T00:00:00+14:00",
            "2011-12-31T09:00:00+14:00"
        ]
    );
    assert_eq!(
        runs("0 */12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", 2),
        ["2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"]
    );
    // Kwajalein had the whole of 1969-09-30 twice.
    let twice = runs(
        "0 */12 * * *",
        "Pacific/Kwajalein",
        "1969-09-29T10:00:00Z",
        5,
    );
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
        for expression in [
            "* * * * *",
            "*/7 * * * *",
            "0-59/10 0-4 * * *",
            "30 */2 * * *",
        ] {
            let schedule = Schedule::parse_in(expression, zone).expect("accepted");
            let mut now = at("2011-12-28T23:59:59.999999999Z");
            for _ in 0..2_000 {
                let next = schedule.next_after(now).expect("never ends");
                assert!(next > now, "{expression} in {zone} after {now}");
                // Nothing lies between, however the question is put.
                let between = now + (next - now) / 2;
                assert_eq!(schedule.next_after(between), Some(next));
                assert_eq!(
                    schedule.next_after(next - TimeDelta::nanoseconds(1)),
                    Some(next)
                );
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
    let zones = [
        "UTC",
        "Pacific/Kiritimati",
        "Asia/Manila",
        "America/New_York",
    ];
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
    assert_eq!(
        runs("0 0 * 2 MON#5", "UTC", "2072-03-01T00:00:00Z", 1),
        ["2112-02-29T00:00:00+00:00"]
    );
    // The second Sunday of March never has this hour in New York.
    let gap = Schedule::parse_in("*/15 2 * 3 SUN#2", "America/New_York").expect("accepted");
    assert_eq!(gap.next_after(at("2024-01-01T00:00:00Z")), None);
}

#[test]
fn local_mean_time_has_seconds() {
    let zone: Tz = "America/New_York".parse().expect("known");
    let local = NaiveDate::from_ymd_opt(1880, 1, 1)
        .and_then(|day| day.and_hms_opt(9, 0, 0))
        .expect("a date");
    let nine = zone.from_local_datetime(&local).single().expect("one");
    let schedule = Schedule::parse("0 9 * * *")
        .expect("accepted")
        .with_zone(zone);
    let before = nine.to_utc() - TimeDelta::seconds(1);
    assert_eq!(schedule.next_after(before), Some(nine.to_utc()));
}

#[test]
fn in_words() {
    for (expression, words) in [
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        (
            "*/7 * * * *",
            "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour",
        ),
        ("@hourly", "Every hour"),
        ("5 * * * *", "At minute 5 of every hour"),
        ("5 */2 * * *", "Every 2 hours at minute 5"),
        ("0 */6 * * *", "Every 6 hours"),
        ("@daily", "At 00:00 every day"),
        ("0 9,12 * * *", "At 09:00 and 12:00 every day"),
        (
            "0 9-17 * * MON-FRI",
            "Every hour from 09:00 to 17:00, Monday to Friday",
        ),
        ("*/15 8 * * *", "Every 15 minutes of hour 8"),
        ("*/20 9-17 * * *", "Every 20 minutes of hours 9 to 17"),
        (
            "5,10,15,20 9,11 * * *",
            "At minutes 5, 10, 15 and 20 of hours 9 and 11 every day",
        ),
        ("0 0 * * 0", "At 00:00, on Sunday"),
        ("0 0 * * SAT,SUN", "At 00:00, on Saturday and Sunday"),
        ("@monthly", "At 00:00, on day 1 of the month"),
        ("@yearly", "At 00:00, on day 1 of the month, in January"),
        ("0 0 * 6-8 *", "At 00:00, in June to August"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        (
            "0 0 15W,LW * *",
            "At 00:00, on the working day nearest to day 15 of the month and the last working day of the month",
        ),
        (
            "0 0 * * FRI#2,MONL",
            "At 00:00, on the second Friday of the month and the last Monday of the month",
        ),
        (
            "0 0 */2 * *",
            "At 00:00, on every other day of the month from day 1",
        ),
        (
            "30 4 1,15 * 5",
            "At 04:30, on day 1 and 15 of the month or on Friday",
        ),
    ] {
        let schedule = Schedule::parse(expression).expect(expression);
        assert_eq!(schedule.describe(), words, "{expression}");
    }
}

/// Text of any kind is refused or accepted, and what is accepted reads back.
#[test]
fn odd_text_is_no_panic() {
    let pieces = [
        "*", "/", "-", ",", "#", "L", "W", "?", "@", "5", "0", "31", "MON", "jan", " ", "  ", "é",
        "\u{3000}", "１", "+", "\0", "SUNL",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        for shift in 0..(3 + state % 12) {
            let pick = usize::try_from((state >> (shift * 4 + 8)) % 22).expect("small");
            text.push_str(pieces[pick]);
            if shift % 3 == 1 {
                text.push(' ');
            }
        }
        match Schedule::parse(&text) {
            Ok(schedule) => {
                assert_eq!(Schedule::parse(schedule.expression()), Ok(schedule));
            }
            Err(error) => {
                assert!(error.report().starts_with(&error.to_string()));
                assert!(text.get(error.range()).is_some());
            }
        }
    }
}
