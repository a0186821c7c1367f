//! What jobs tell while they run, and what is kept of it: progress and log lines.

use plain_worker_tests::{Database, Program, on_every_store, until, until_true};
use serde_json::{Value, json};

use crate::program::jobs;

on_every_store! {
    progress_is_shown_while_a_job_runs_and_watched_to_its_end,
    each_attempt_keeps_its_log,
    the_last_lines_of_a_log_are_kept,
    logs_that_are_off_leave_no_row,
    a_watch_tells_of_a_job_that_fails,
}

async fn enqueue(database: &Database, line: &[&str]) -> String {
    let answer = jobs(database, &[&["enqueue", "--json"], line].concat()).answer().await.json();
    answer["id"].as_str().expect("an id").to_owned()
}

async fn show(database: &Database, line: &[&str]) -> Value {
    jobs(database, &[&["show", "--json"], line].concat()).answer().await.json()
}

async fn progress_is_shown_while_a_job_runs_and_watched_to_its_end(database: Database) {
    let until_file = database.folder.path().join("go on");
    let arguments = json!({ "until": until_file }).to_string();
    let id = enqueue(&database, &["reports", &arguments]).await;
    assert_eq!(show(&database, &[&id]).await["progress"], Value::Null);
    let mut watch = Program::start_command(jobs(&database, &["show", &id, "--watch"]).command());
    watch.prints("ready").await;
    let mut json_watch = Program::start_command(jobs(&database, &["show", &id, "--watch", "--json"]).command());
    let mut worker = Program::start_command(jobs(&database, &["worker", "--drain"]).command());

    watch.prints("running, attempt 1: 40% page 40 of 100").await;
    json_watch.prints("\"fraction\":0.4").await;
    let running = show(&database, &[&id]).await;
    assert_eq!(running["progress"], json!({ "fraction": 0.4, "note": "page 40 of 100" }), "{running}");
    let words = jobs(&database, &["show", &id]).answer().await;
    assert!(words.ok().contains("progress    40% page 40 of 100"), "{words:?}");

    std::fs::write(&until_file, "").unwrap();
    assert_eq!(worker.ended().await, Some(0));
    assert_eq!(watch.ended().await, Some(0), "it ends with the job");
    let output = watch.output();
    assert!(output.contains("state       succeeded"), "{output}");
    assert_eq!(json_watch.ended().await, Some(0));
    let lines = json_watch.output();
    let lines: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(lines.iter().any(|line| line["progress"]["fraction"] == json!(0.4)), "{lines:?}");
    assert_eq!(lines.last().unwrap()["state"], "succeeded");
    assert_eq!(show(&database, &[&id]).await["progress"], Value::Null, "what has ended is not on its way");
}

async fn a_watch_tells_of_a_job_that_fails(database: Database) {
    let id = enqueue(&database, &["fails", r#"{"text":"/nothing"}"#]).await;
    jobs(&database, &["worker", "--drain"]).answer().await.ok();
    let answer = jobs(&database, &["show", &id, "--watch"]).answer().await;
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stdout.contains("dead"), "{answer:?}");
}

/// The messages of each attempt.
fn messages(job: &Value) -> Vec<Vec<String>> {
    let text = |line: &Value| format!("{} {}", line["level"].as_str().unwrap(), line["message"].as_str().unwrap());
    let lines = |log: &Value| log["lines"].as_array().unwrap().iter().map(text).collect();
    job["logs"].as_array().unwrap().iter().map(lines).collect()
}

async fn each_attempt_keeps_its_log(database: Database) {
    let id = enqueue(&database, &["talks"]).await;
    let worker = Program::start_command(jobs(&database, &["worker"]).env("RUST_LOG", "info").command());
    until_true("both attempts have ended", || async { show(&database, &[&id]).await["state"] == "succeeded" }).await;
    let job = show(&database, &[&id, "--logs"]).await;
    let of = |attempt: u32| {
        vec![
            format!("INFO attempt {attempt} begins"),
            "INFO by an event page=7".to_owned(),
            "WARN by a task of its own".to_owned(),
        ]
    };
    assert_eq!(messages(&job), [of(1), of(2)], "{job}");
    assert_eq!((&job["logs"][0]["attempt"], &job["logs"][0]["dropped"]), (&json!(1), &json!(0)));
    let targets: Vec<_> = job["logs"][0]["lines"].as_array().unwrap().iter().map(|line| &line["target"]).collect();
    assert_eq!(targets, [&Value::Null, &json!("jobs"), &json!("jobs")]);
    let words = jobs(&database, &["show", &id, "--logs"]).answer().await;
    assert!(words.ok().contains("LOG OF ATTEMPT 2") && words.stdout.contains("INFO  jobs: by an event page=7"));
    assert!(show(&database, &[&id]).await.get("logs").is_none(), "only where they are asked for");
    assert!(worker.output().contains("by an event"), "the log of the worker has them, too");

    jobs(&database, &["prune", "--retain", "0s"]).answer().await.ok();
    assert_eq!(database.number("SELECT count(*) FROM {}job_logs").await, 0, "they go with their job");
}

async fn the_last_lines_of_a_log_are_kept(database: Database) {
    let id = enqueue(&database, &["chatters", r#"{"lines":300}"#]).await;
    let silent = enqueue(&database, &["welcome_user", r#"{"user_id":7}"#]).await;
    jobs(&database, &["worker", "--drain"]).answer().await.ok();
    let job = show(&database, &[&id, "--logs"]).await;
    assert_eq!(job["logs"][0]["dropped"], 100);
    let kept = messages(&job).remove(0);
    assert_eq!((kept.len(), &*kept[0], &*kept[199]), (200, "INFO line 100", "INFO line 299"));
    let words = jobs(&database, &["show", &id, "--logs"]).answer().await;
    assert!(words.ok().contains("(100 lines before these are not kept)"));
    assert_eq!(show(&database, &[&silent, "--logs"]).await["logs"], json!([]));
    assert_eq!(database.number("SELECT count(*) FROM {}job_logs").await, 1, "who says nothing leaves no row");
    jobs(&database, &["delete", &id]).answer().await.ok();
    assert_eq!(database.number("SELECT count(*) FROM {}job_logs").await, 0);
}

async fn logs_that_are_off_leave_no_row(database: Database) {
    let id = enqueue(&database, &["talks"]).await;
    let level = |level: &'static str| jobs(&database, &["worker", "--job-logs", level]).command();
    let worker = Program::start_command(level("off"));
    until_true("it has ended", || async { show(&database, &[&id]).await["state"] == "succeeded" }).await;
    assert_eq!(database.number("SELECT count(*) FROM {}job_logs").await, 0);
    drop(worker);
    let id = enqueue(&database, &["talks"]).await;
    let _worker = Program::start_command(level("debug"));
    let job = until("it has ended", || async {
        let job = show(&database, &[&id, "--logs"]).await;
        (job["state"] == "succeeded").then_some(job)
    })
    .await;
    assert!(messages(&job)[1].contains(&"DEBUG in detail".to_owned()), "{job}");
    let wrong = jobs(&database, &["worker", "--job-logs", "loud"]).answer().await;
    assert!(wrong.fails(2).contains("off, error, warn"), "{wrong:?}");
}
