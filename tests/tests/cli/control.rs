//! Pauses, conditions for probes, and the line of figures, as people and cron jobs use them.

use plain_worker_tests::{Database, Program, on_every_store};
use serde_json::json;

use crate::program::jobs;

on_every_store! {
    what_is_paused_can_be_seen_and_resumed,
    a_worker_that_is_started_paused_waits_for_a_resume,
    stats_fail_if_a_condition_holds,
    a_busy_worker_tells_its_figures,
}

async fn enqueue(database: &Database) {
    jobs(database, &["enqueue", "welcome_user", r#"{"user_id":7}"#]).answer().await.ok();
}

async fn what_is_paused_can_be_seen_and_resumed(database: Database) {
    enqueue(&database).await;
    let say = async |line: &[&str]| jobs(&database, line).answer().await.ok().trim().to_owned();
    assert_eq!(say(&["pauses"]).await, "nothing is paused");
    assert_eq!(
        say(&["pause", "job:welcome_user", "other", "--by", "anna"]).await,
        "paused job:welcome_user\npaused queue:other"
    );
    assert_eq!(say(&["pause", "other", "--by", "ben"]).await, "queue:other was paused already");
    let pauses = jobs(&database, &["pauses", "--json"]).answer().await.json();
    assert_eq!(pauses[0]["target"], "job:welcome_user");
    assert_eq!((&pauses[1]["target"], &pauses[1]["by"]), (&json!("queue:other"), &json!("anna")));
    assert!(say(&["pauses"]).await.starts_with("WHAT"));
    let report = jobs(&database, &["worker", "--drain", "--json"]).answer().await.json();
    assert_eq!(report["succeeded"], 0, "{report}");
    let answer = jobs(&database, &["resume", "job:welcome_user", "never", "--json"]).answer().await;
    assert_eq!(answer.code, Some(1), "one of them was not paused");
    let answers: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(
        answers,
        json!([{ "target": "job:welcome_user", "changed": true }, { "target": "queue:never", "changed": false }])
    );
    let report = jobs(&database, &["worker", "--drain", "--json"]).answer().await.json();
    assert_eq!(report["succeeded"], 1, "{report}");
}

async fn a_worker_that_is_started_paused_waits_for_a_resume(database: Database) {
    enqueue(&database).await;
    let worker = Program::start_command(jobs(&database, &["worker", "--paused"]).env("RUST_LOG", "info").command());
    worker.prints("started paused").await;
    let pauses = jobs(&database, &["pauses", "--json"]).answer().await.json();
    assert!(pauses[0]["target"].as_str().unwrap().starts_with("worker:"), "{pauses}");
    let stats = jobs(&database, &["stats", "--json"]).answer().await.json();
    assert_eq!(stats["by_state"]["ready"], 1, "{stats}");
    assert_eq!(jobs(&database, &["resume", "*"]).answer().await.ok().trim(), "resumed *");
    worker.prints("job ended").await;
}

async fn stats_fail_if_a_condition_holds(database: Database) {
    enqueue(&database).await;
    let stats = jobs(&database, &["stats", "--json"]).answer().await.json();
    assert!(stats["oldest_ready_seconds"]["mail"].as_i64().unwrap() >= 0, "{stats}");
    let fine = jobs(&database, &["stats", "--fail-if", "ready(mail)>1", "--fail-if", "dead>0"]).answer().await;
    assert_eq!(fine.ok().trim(), "ok   ready(mail)>1: ready(mail) is 1\nok   dead>0: dead is 0");
    let held = ["stats", "--fail-if", "oldest_ready>=0s and workers<1", "--fail-if", "dead>0", "--json"];
    let answer = jobs(&database, &held).answer().await;
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let shape: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((&shape[0]["holds"], &shape[1]["holds"]), (&json!(true), &json!(false)));
    let wrong = jobs(&database, &["stats", "--fail-if", "oldest_redy>5m"]).answer().await;
    assert!(wrong.fails(2).contains("did you mean `oldest_ready`?"), "{wrong:?}");
}

async fn a_busy_worker_tells_its_figures(database: Database) {
    enqueue(&database).await;
    let line = ["worker", "--stats-every", "1s"];
    let worker = Program::start_command(jobs(&database, &line).env("RUST_LOG", "info").command());
    worker.prints("worker figures").await;
    let output = worker.output();
    let figures = output.lines().find(|line| line.contains("worker figures")).unwrap();
    assert!(figures.contains("succeeded=1") && figures.contains("dead=0"), "{figures}");
}
