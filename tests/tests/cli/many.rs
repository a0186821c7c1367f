//! Changes of all jobs that a filter chooses: looked at first, meant, at a pace, and noted once.

use plain_worker::{JobFilter, JobState};
use plain_worker_tests::{Database, on_every_store};
use serde_json::{Value, json};

use crate::program::jobs;

on_every_store! {
    all_that_match_are_retried_once_it_is_meant,
    all_that_match_are_moved_cancelled_and_deleted,
    many_jobs_go_at_the_pace_that_is_given,
    jobs_are_moved_and_deleted_by_their_ids,
}

/// Enqueues that many jobs that fail, each with its own text.
async fn failing(database: &Database, count: usize) {
    for n in 0..count {
        jobs(database, &["enqueue", "fails", &format!(r#"{{"text":"/nothing/{n}"}}"#)]).answer().await.ok();
    }
}

async fn count(database: &Database, state: JobState) -> usize {
    let queue = database.queue().await;
    let found = queue.list(JobFilter::new().state(state), None, 1_000).await.unwrap().len();
    queue.close().await;
    found
}

/// Who did what to how many, in the order in which it happened.
async fn audit(database: &Database) -> Vec<String> {
    let queue = database.queue().await;
    let rows = queue.audit(None, 100).await.unwrap();
    queue.close().await;
    let words = |row: &plain_worker::AuditRow| {
        format!("{} {} {} ({})", row.actor, row.action, row.target.as_deref().unwrap_or_default(), row.count)
    };
    rows.iter().rev().map(words).collect()
}

async fn all_that_match_are_retried_once_it_is_meant(database: Database) {
    failing(&database, 5).await;
    jobs(&database, &["worker", "--drain"]).answer().await.ok();
    assert_eq!(count(&database, JobState::Dead).await, 5);
    let line = ["retry", "--where", "job:fails args.text:/nothing/1,/nothing/2,/nothing/3", "--by", "anna"];

    let looked = jobs(&database, &[&line[..], &["--dry-run"]].concat()).answer().await;
    assert_eq!(looked.ok().trim(), "would retry 3 jobs (3 dead)");
    let not_meant = jobs(&database, &line).answer().await;
    assert!(not_meant.fails(2).contains("would retry 3 jobs (3 dead): say --yes"), "{not_meant:?}");
    assert_eq!(count(&database, JobState::Dead).await, 5, "nothing has changed yet");

    let done = jobs(&database, &[&line[..], &["--yes", "--json"]].concat()).answer().await.json();
    assert_eq!(
        done,
        json!({
            "action": "retry", "where": "job:fails args.text:/nothing/1,/nothing/2,/nothing/3", "dry_run": false, "matching": 3,
            "by_state": { "dead": 3 }, "changed": 3, "unchanged": 0, "trouble": null
        })
    );
    assert_eq!((count(&database, JobState::Dead).await, count(&database, JobState::Ready).await), (2, 3));
    assert_eq!(
        audit(&database).await,
        ["anna retry jobs where job:fails args.text:/nothing/1,/nothing/2,/nothing/3 (3)"]
    );

    let nothing = jobs(&database, &["retry", "--where", "job:nobody", "--json"]).answer().await.json();
    assert_eq!(nothing["matching"], 0, "there is nothing to mean: {nothing}");
    for (line, reason) in [
        (&["retry", "--where", " ", "--yes"][..], "this would retry every job of every queue"),
        (&["retry", "--where", "stat:dead", "--yes"], "did you mean `state`?"),
        (&["retry", "--where", "state:dead", "--rate", "fast"], "20/s"),
        (&["retry", "--dry-run", "01a22d0d-088b-74f6-80a8-3af11b7cf2a7"], "--where"),
        (&["retry", "--where", "state:dead", "01a22d0d-088b-74f6-80a8-3af11b7cf2a7"], "cannot be used with"),
        (&["requeue", "--where", "state:ready", "--yes"], "--queue"),
    ] {
        let wrong = jobs(&database, line).answer().await;
        assert!(wrong.fails(2).contains(reason), "{line:?}: {wrong:?}");
    }
}

async fn all_that_match_are_moved_cancelled_and_deleted(database: Database) {
    failing(&database, 6).await;
    let say = async |line: &[&str]| -> Value {
        let line = [line, &["--yes", "--by", "ben", "--json"]].concat();
        jobs(&database, &line).answer().await.json()
    };
    let moved =
        say(&["requeue", "--where", "args.text:/nothing/0,/nothing/1", "--queue", "slow", "--priority", "-3"]).await;
    assert_eq!((&moved["matching"], &moved["changed"]), (&json!(2), &json!(2)));
    let cancelled = say(&["cancel", "--where", "queue:slow priority:-3"]).await;
    assert_eq!(cancelled["changed"], 2, "{cancelled}");
    assert_eq!(count(&database, JobState::Cancelled).await, 2);
    let again = say(&["cancel", "--where", "queue:slow"]).await;
    assert_eq!(again["matching"], 0, "what has ended is not cancelled: {again}");
    let deleted = say(&["delete", "--where", "args.text:/nothing/0,/nothing/2"]).await;
    assert_eq!(deleted["by_state"], json!({ "cancelled": 1, "ready": 1 }), "{deleted}");
    assert_eq!((count(&database, JobState::Cancelled).await, count(&database, JobState::Ready).await), (1, 3));
    assert_eq!(
        audit(&database).await,
        [
            "ben requeue jobs where args.text:/nothing/0,/nothing/1 (2)",
            "ben cancel jobs where queue:slow priority:-3 (2)",
            "ben delete jobs where args.text:/nothing/0,/nothing/2 (2)"
        ]
    );
}

async fn many_jobs_go_at_the_pace_that_is_given(database: Database) {
    failing(&database, 6).await;
    let start = std::time::Instant::now();
    let line = ["cancel", "--where", "state:ready", "--rate", "10/s", "--yes"];
    let done = jobs(&database, &line).answer().await;
    assert_eq!(done.ok().trim(), "cancel: 6 jobs changed");
    // Slower is fine on a busy machine; faster would be no limit.
    assert!(start.elapsed() >= std::time::Duration::from_millis(480), "{:?}", start.elapsed());
}

async fn jobs_are_moved_and_deleted_by_their_ids(database: Database) {
    failing(&database, 1).await;
    let queue = database.queue().await;
    let id = queue.list(JobFilter::new(), None, 1).await.unwrap()[0].id.to_string();
    let nobody = "01a22d0d-088b-74f6-80a8-3af11b7cf2a7";
    let at = ["requeue", &id, "--at", "2126-11-20T12:00:00Z", "--json"];
    let moved = jobs(&database, &at).answer().await.json();
    assert_eq!(moved, json!([{ "id": id, "answer": "moved" }]));
    let job = queue.job(id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((job.state, job.due_at.to_rfc3339()), (JobState::Scheduled, "2126-11-20T12:00:00+00:00".to_owned()));
    let missing = jobs(&database, &["requeue", nobody, "--priority", "1"]).answer().await;
    assert_eq!((missing.code, missing.stdout.trim()), (Some(1), &*format!("there is no job {nobody}")));
    let deleted = jobs(&database, &["delete", &id, nobody, "--json"]).answer().await;
    assert_eq!(deleted.code, Some(1), "{deleted:?}");
    let shapes: Value = serde_json::from_str(&deleted.stdout).unwrap();
    assert_eq!(shapes, json!([{ "id": id, "answer": "deleted" }, { "id": nobody, "answer": "not_found" }]));
    assert!(queue.job(id.parse().unwrap()).await.unwrap().is_none());
    queue.close().await;
}
