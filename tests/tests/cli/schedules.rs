//! `schedules` and what stands below it.

use plain_worker_tests::{Database, on_every_store};
use serde_json::json;

use crate::program::{Answer, call, jobs};

on_every_store! {
    schedules_are_added_listed_changed_and_removed,
}

async fn check(line: &[&str]) -> Answer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    call(env!("CARGO_BIN_EXE_jobs"), folder.path(), &[&["schedules", "check"], line].concat()).answer().await
}

#[tokio::test]
async fn an_expression_is_checked_without_a_database() {
    let line = ["0 9 * * MON-FRI", "--tz", "Europe/Berlin", "--after", "2026-11-20T12:00", "-n", "2", "--json"];
    let expected = json!({
        "expression": "0 9 * * MON-FRI",
        "timezone": "Europe/Berlin",
        "description": "At 09:00, Monday to Friday",
        "next": ["2026-11-23T09:00:00+01:00", "2026-11-24T09:00:00+01:00"],
    });
    assert_eq!(check(&line).await.json(), expected);
    // Exclusive; in UTC by default; five of them; nicknames.
    let next = check(&["@hourly", "--after", "2026-11-20T12:00", "--json"]).await.json();
    assert_eq!(next["next"][0], "2026-11-20T13:00:00+00:00");
    assert_eq!(next["next"].as_array().map(Vec::len), Some(5));
    // 02:30 does not come: it is the end of the gap, and exclusive.
    let gap = ["* * * * *", "--tz", "Europe/Berlin", "--after", "2026-03-29T02:30", "-n1", "--json"];
    assert_eq!(check(&gap).await.json()["next"][0], "2026-03-29T03:01:00+02:00");
    // 02:30 comes twice: the first is meant.
    let twice = ["* * * * *", "--tz", "Europe/Berlin", "--after", "2026-10-25T02:30", "-n1", "--json"];
    assert_eq!(check(&twice).await.json()["next"][0], "2026-10-25T02:31:00+02:00");
    let words = check(&["0 9 * * *", "--after", "2026-11-20", "-n", "1"]).await;
    assert_eq!(words.ok(), "0 9 * * * (UTC): At 09:00 every day\n2026-11-20T09:00:00+00:00\n");
}

#[tokio::test]
async fn a_refused_expression_is_told_why() {
    for (line, part) in [
        (["60 * * * *", "--json"], "minute field: `60` is out of range 0-59"),
        (["0 0 30 2 *", "--json"], "30"),
        (["@reboot", "--json"], "@reboot"),
        (["* * * * *", "--tz=Berlin"], "the nearest IANA name is `Europe/Berlin`"),
        (["* * * * *", "--after=soon"], "2026-11-20T12:00"),
    ] {
        let answer = check(&line).await;
        let told = answer.fails(2);
        assert!(told.contains(part), "{line:?}: {told}");
        assert_eq!(answer.stdout, "");
    }
}

async fn schedules_are_added_listed_changed_and_removed(database: Database) {
    jobs(&database, &["migrate"]).answer().await.ok();
    let schedules = |line: &[&'static str]| jobs(&database, &[&["schedules"], line].concat()).answer();
    assert!(schedules(&[]).await.ok().starts_with("no schedules"));
    let welcome = r#"{"user_id":7}"#;
    let added = schedules(&["add", "seven", "0 9 * * MON-FRI", "welcome_user", welcome, "--tz", "Asia/Tokyo"]).await;
    assert_eq!(added.ok(), "seven is added\n");
    let again = schedules(&["add", "seven", "@daily", "welcome_user", welcome]).await;
    assert!(again.fails(1).contains("schedule `seven` exists already"), "{again:?}");
    let unreadable = schedules(&["add", "x", "@daily", "welcome_user", "{}"]).await;
    assert!(unreadable.fails(1).contains("missing argument `user_id`"), "{unreadable:?}");
    assert!(schedules(&["add", "x", "@daily", "welcome_usr"]).await.fails(2).contains("did you mean `welcome_user`?"));
    let listed = schedules(&["--json"]).await.json();
    let row = &listed[0];
    assert_eq!(row["name"], "seven");
    assert_eq!((&row["expression"], &row["timezone"]), (&json!("0 9 * * MON-FRI"), &json!("Asia/Tokyo")));
    assert_eq!(
        (&row["description"], &row["arguments"]),
        (&json!("At 09:00, Monday to Friday"), &json!({ "user_id": 7 }))
    );
    assert_eq!((&row["state"], &row["paused"], &row["last_result"]), (&json!("stopped"), &json!(false), &json!(null)));
    let next = row["next"].as_array().expect("runs");
    assert_eq!(next.len(), 5);
    let (local, utc) = (next[0]["local"].as_str().unwrap(), next[0]["utc"].as_str().unwrap());
    assert!(local.ends_with("T09:00:00+09:00") && utc.ends_with("T00:00:00Z"), "{local} {utc}");
    let stopped = schedules(&["run-now", "seven"]).await;
    assert!(stopped.fails(1).contains("no worker that lives has job `welcome_user`"), "{stopped:?}");
    assert_eq!(schedules(&["pause", "seven", "--by", "ann"]).await.ok(), "seven is paused\n");
    let words = schedules(&[]).await;
    for part in ["seven", "cron        0 9 * * MON-FRI  (At 09:00, Monday to Friday)", "by ann", "T09:00:00+09:00"] {
        assert!(words.ok().contains(&part.replace("  (", " (")) || words.ok().contains(part), "{part}: {words:?}");
    }
    assert_eq!(schedules(&["resume", "seven"]).await.ok(), "seven is resumed\n");
    assert_eq!(schedules(&["change", "seven", "--cron", "*/15 * * * *"]).await.ok(), "seven is changed\n");
    let listed = schedules(&["--json"]).await.json();
    assert_eq!((&listed[0]["expression"], &listed[0]["timezone"]), (&json!("*/15 * * * *"), &json!("Asia/Tokyo")));
    let removed = schedules(&["remove", "seven", "--json"]).await.json();
    assert_eq!(removed, json!([{ "schedule": "seven", "done": "removed", "cancelled": 0 }]));
    let missing = schedules(&["pause", "seven"]).await;
    assert!(missing.fails(1).contains("there is no schedule `seven`"), "{missing:?}");
}
