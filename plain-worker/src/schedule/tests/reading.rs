//! What is accepted: normal forms, words, and agreement with croner.

use super::super::Schedule;
use super::{at, runs};

/// Our rule for days that never come agrees with what croner finds.
#[test]
fn what_is_accepted_runs() {
    let days = ["*", "1", "28", "29", "30", "31", "29W", "30W", "31W", "L", "LW", "30-31", "*/30", "31,5"];
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
        ("0 0 * * sat-sun,fri-sun,sun-sun", "0 0 * * SAT-SUN,FRI-SUN,SUN-SUN"),
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
    assert_eq!(sunday, ["2026-01-10T00:00:00+00:00", "2026-01-11T00:00:00+00:00", "2026-01-17T00:00:00+00:00"]);
    let error = Schedule::parse("0 0 * * SAT-MON").expect_err("backwards");
    assert!(error.to_string().ends_with("write `SAT-SUN,MON`"), "{error}");
    assert!(Schedule::parse("0 0 * * SAT-SUN,MON").is_ok());
}

#[test]
fn in_words() {
    for (expression, words) in [
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
        ("@hourly", "Every hour"),
        ("5 * * * *", "At minute 5 of every hour"),
        ("5 */2 * * *", "Every 2 hours at minute 5"),
        ("0 */6 * * *", "Every 6 hours"),
        ("@daily", "At 00:00 every day"),
        ("0 9,12 * * *", "At 09:00 and 12:00 every day"),
        ("0 9-17 * * MON-FRI", "Every hour from 09:00 to 17:00, Monday to Friday"),
        ("*/15 8 * * *", "Every 15 minutes of hour 8"),
        ("*/20 9-17 * * *", "Every 20 minutes of hours 9 to 17"),
        ("5,10,15,20 9,11 * * *", "At minutes 5, 10, 15 and 20 of hours 9 and 11 every day"),
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
        ("0 0 * * FRI#2,MONL", "At 00:00, on the second Friday of the month and the last Monday of the month"),
        ("0 0 */2 * *", "At 00:00, on every other day of the month from day 1"),
        ("30 4 1,15 * 5", "At 04:30, on day 1 and 15 of the month or on Friday"),
    ] {
        let schedule = Schedule::parse(expression).expect(expression);
        assert_eq!(schedule.describe(), words, "{expression}");
    }
}

/// Text of any kind is refused or accepted, and what is accepted reads back.
#[test]
fn odd_text_is_no_panic() {
    let pieces = [
        "*", "/", "-", ",", "#", "L", "W", "?", "@", "5", "0", "31", "MON", "jan", " ", "  ", "é", "\u{3000}", "１",
        "+", "\0", "SUNL",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
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
