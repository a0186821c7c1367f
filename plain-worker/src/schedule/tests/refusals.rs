//! What is refused, word for word.

use super::super::{Field, Schedule, parse_zone};

#[track_caller]
fn refused(expression: &str, report: &str) {
    let error = Schedule::parse(expression).expect_err(expression);
    assert_eq!(error.report(), report);
    assert_eq!(error.offending(), &error.input()[error.range()]);
}

#[test]
fn a_refusal_names_field_range_and_text() {
    refused("60 * * * *", "minute field: `60` is out of range 0-59\n  60 * * * *\n  ^^");
    refused("0 25 * * *", "hour field: `25` is out of range 0-23\n  0 25 * * *\n    ^^");
    refused("* * 32 * *", "day of month field: `32` is out of range 1-31\n  * * 32 * *\n      ^^");
    refused("* * * 13 *", "month field: `13` is out of range 1-12\n  * * * 13 *\n        ^^");
    refused("0 0 * * 1,8", "day of week field: `8` is out of range 0-7\n  0 0 * * 1,8\n            ^");
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
    refused("x * * * *", "minute field: `x` is not a value of this field; valid are 0-59\n  x * * * *\n  ^");
    refused(
        "0 0 L,LW * *",
        "day of month field: `L,LW` has both `L` and `LW`, but within 1-31 only one of them can be the last day\n  0 0 L,LW * *\n      ^^^^",
    );
    refused(
        "0 0 L-3 * *",
        "day of month field: `L` stands alone: a range or a step in 1-31 cannot hold it\n  0 0 L-3 * *\n      ^",
    );
    refused(
        "0 0 * * 1-5L",
        "day of week field: `5L` stands alone: a range or a step in 0-7 cannot hold it\n  0 0 * * 1-5L\n            ^^",
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
    refused("/5 * * * *", "minute field: `/5` has a step but no range within 0-59; write `*/5`\n  /5 * * * *\n  ^^");
    refused(
        "0 0 * mar/3 *",
        "month field: `mar/3` has a step but no range within 1-12; write `MAR-DEC/3`\n  0 0 * mar/3 *\n        ^^^^^",
    );
    refused("*/0 * * * *", "minute field: the step of `*/0` is out of range 1-59\n  */0 * * * *\n  ^^^");
    refused("*/ * * * *", "minute field: `*/` needs a number in 1-59 after its `/`\n  */ * * * *\n  ^^");
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
    let error = Schedule::builder().minute("0 5").build().expect_err("a space");
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

#[test]
fn an_unknown_zone_names_the_nearest() {
    for (written, nearest) in [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("utc", "UTC"),
        ("US/Estern", "US/Eastern"),
        ("CEST", "CET"),
        ("rome", "Europe/Rome"),
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
    // Two hours east of Greenwich are `Etc/GMT-2`.
    let error = parse_zone("GMT+2").expect_err("an offset");
    assert!(!error.nearest_zones().contains(&"Etc/GMT+2"), "{error}");
    for zone in chrono_tz::TZ_VARIANTS {
        assert_eq!(parse_zone(zone.name()), Ok(zone));
    }
}
