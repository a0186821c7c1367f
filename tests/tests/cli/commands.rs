//! Each command does what it says, for people and for programs.

use plain_worker_tests::{Database, Program, on_every_store, until_true};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::program::{call, jobs};

on_every_store! {
    a_job_goes_from_the_command_line_to_its_result,
    stats_count_by_state_queue_and_job,
    list_filters_and_pages,
    enqueue_takes_every_option,
    a_unique_key_answers_with_its_holder,
    retry_and_cancel_say_what_became_of_each,
    purge_takes_waiting_jobs_only,
    prune_takes_ended_jobs_only,
    a_job_runs_here_and_now_without_a_row,
    what_a_job_enqueues_goes_to_the_same_database,
    migrate_says_what_it_did,
    check_tells_what_this_program_cannot_run,
    the_commands_can_be_mounted,
    a_drain_says_what_it_leaves,
    a_worker_stops_at_a_signal,
    the_log_is_what_was_asked_for,
}

async fn check_tells_what_this_program_cannot_run(database: Database) {
    let id = enqueue(&database, &["welcome_user", r#"{"user_id":7}"#]).await;
    let answer = jobs(&database, &["check"]).answer().await;
    assert_eq!(answer.ok().trim(), "all 1 stored jobs can be run");
    database.execute("UPDATE {}job_requests SET arguments = '{ }'").await;
    let answer = jobs(&database, &["check", "--json"]).answer().await;
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let report: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((&report["checked"], &report["complete"]), (&json!(1), &json!(true)));
    let problem = json!({ "job": "welcome_user", "reason": "missing argument `user_id`", "count": 1, "samples": [id] });
    assert_eq!(report["problems"], json!([problem]));
    let answer = jobs(&database, &["check"]).answer().await;
    assert_eq!(answer.code, Some(1), "{answer:?}");
    for part in ["1 of 1 stored jobs cannot be run", "JOB", "missing argument `user_id`", &id] {
        assert!(answer.stdout.contains(part), "{part}: {answer:?}");
    }
}

/// Enqueues, and gives the id.
async fn enqueue(database: &Database, line: &[&str]) -> String {
    let line = [&["enqueue"], line, &["--json"]].concat();
    let answer = jobs(database, &line).answer().await.json();
    answer["id"].as_str().expect("an id").to_owned()
}

async fn drain(database: &Database) -> Value {
    jobs(database, &["worker", "--drain", "--json"]).answer().await.json()
}

async fn show(database: &Database, id: &str) -> Value {
    jobs(database, &["show", id, "--json"]).answer().await.json()
}

async fn a_job_goes_from_the_command_line_to_its_result(database: Database) {
    let answer = jobs(&database, &["enqueue", "welcome_user", r#"{"user_id":7}"#]).answer().await;
    let words = answer.ok();
    assert!(words.starts_with("enqueued welcome_user "), "{words}");
    // One line on stderr says which database it is, without a password.
    assert_eq!(answer.stderr.lines().count(), 1, "{answer:?}");
    assert!(answer.stderr.contains("using") && answer.stderr.contains("from DATABASE_URL"), "{answer:?}");
    let id = words.trim().rsplit(' ').next().unwrap();

    let report = drain(&database).await;
    assert_eq!(report["succeeded"], 1, "{report}");
    let job = show(&database, id).await;
    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["arguments"], json!({ "user_id": 7 }));
    assert_eq!(job["output"], "welcome, user 7!");
    assert_eq!(job["source"], "command line");
    assert_eq!(job["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(job["attempts"][0]["status"], "successful");

    let answer = jobs(&database, &["show", id]).answer().await;
    let words = answer.ok();
    for part in [id, "state       succeeded", "welcome, user 7!", "ATTEMPT  STATUS", " (20"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

async fn stats_count_by_state_queue_and_job(database: Database) {
    let empty = {
        jobs(&database, &["migrate"]).answer().await.ok();
        jobs(&database, &["stats", "--json"]).answer().await.json()
    };
    assert_eq!(empty["total"], 0);
    assert_eq!(empty["by_state"]["dead"], 0);
    for line in [["welcome_user", r#"{"user_id":7}"#], ["welcome_user", r#"{"user_id":8}"#], ["panics", "{}"]] {
        enqueue(&database, &line).await;
    }
    let stats = jobs(&database, &["stats", "--json"]).answer().await.json();
    assert_eq!(stats["total"], 3);
    assert_eq!(stats["by_state"]["ready"], 3);
    assert_eq!(stats["by_queue"], json!({ "mail": { "ready": 2 }, "default": { "ready": 1 } }));
    assert_eq!(stats["by_job"], json!({ "welcome_user": { "ready": 2 }, "panics": { "ready": 1 } }));
    assert_eq!(stats["counts"].as_array().unwrap().len(), 2);
    drain(&database).await;
    let stats = jobs(&database, &["stats", "--json", "--job", "panics"]).answer().await.json();
    assert_eq!(stats["by_state"]["dead"], 1);
    assert_eq!(stats["total"], 1);
    let answer = jobs(&database, &["stats"]).answer().await;
    assert!(answer.ok().contains("succeeded  mail"), "{answer:?}");
}

async fn list_filters_and_pages(database: Database) {
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(enqueue(&database, &["welcome_user", &format!("{{\"user_id\":{n}}}")]).await);
    }
    let dead = enqueue(&database, &["panics", "--queue", "other"]).await;
    drain(&database).await;
    let list = async |line: &[&str]| {
        let rows = jobs(&database, &[&["list", "--json"], line].concat()).answer().await.json();
        let rows = rows.as_array().expect("an array").clone();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(&[]).await.len(), 4);
    assert_eq!(list(&["--state", "dead"]).await, [dead.as_str()]);
    assert_eq!(list(&["--state", "dead,succeeded", "--queue", "other"]).await, [dead.as_str()]);
    assert_eq!(list(&["--job", "welcome_user", "--limit", "1", "--after", &ids[2]]).await, [ids[1].as_str()]);
    assert_eq!(list(&["--where", "error:\"as it must\""]).await, [dead.as_str()]);
    let answer = jobs(&database, &["list", "--where", "stat:dead"]).answer().await;
    assert!(answer.fails(2).contains("did you mean `state`?"), "{answer:?}");
    let answer = jobs(&database, &["list", "--limit", "2"]).answer().await;
    assert!(answer.ok().contains(&format!("--after {}", ids[2])), "{answer:?}");
    let answer = jobs(&database, &["list", "--state", "dead"]).answer().await;
    assert!(answer.ok().contains("as it must"), "{answer:?}");
    assert!(jobs(&database, &["list", "--queue", "none"]).answer().await.ok().contains("no jobs"));
}

async fn enqueue_takes_every_option(database: Database) {
    let id = enqueue(
        &database,
        &[
            "welcome_user",
            r#"{"user_id":18446744073,"note":"\u0000"}"#,
            "--run-at",
            "2126-11-20T12:00:00+01:00",
            "--queue",
            "later",
            "--priority",
            "-5",
            "--retries",
            "9",
            "--unique-key",
            "k",
            "--unique-until",
            "start",
            "--timeout",
            "5s",
            "--expires-in",
            "60d",
            "--metadata",
            r#"{"tenant":7}"#,
        ],
    )
    .await;
    let job = show(&database, &id).await;
    assert_eq!(job["state"], "scheduled");
    assert_eq!(job["due_at"], "2126-11-20T11:00:00Z");
    assert_eq!(job["queue"], "later");
    assert_eq!(job["priority"], -5);
    assert_eq!(job["retries"], 9);
    assert_eq!(job["unique_key"], "k");
    assert_eq!(job["metadata"], json!({ "tenant": 7 }));
    assert_eq!(job["arguments"]["note"], "\0");
    let answer = jobs(&database, &["enqueue", "reindex", "-", "--delay", "1h", "--json"]);
    let answer = answer.stdin(r#" {"id": 3} "#).answer().await.json();
    assert_eq!(answer["job"], "reindexing", "an alias is stored under the name");
    assert_eq!(answer["state"], "scheduled");
}

async fn a_unique_key_answers_with_its_holder(database: Database) {
    let first = enqueue(&database, &["reindexing", r#"{"id":1}"#]).await;
    let answer = jobs(&database, &["enqueue", "reindexing", r#"{"id":1}"#, "--json"]).answer().await.json();
    assert_eq!(answer, json!({ "id": first, "job": "reindexing", "inserted": false, "state": "ready" }));
    let answer = jobs(&database, &["enqueue", "reindexing", r#"{"id":1}"#]).answer().await;
    assert!(answer.ok().starts_with("not enqueued: "), "{answer:?}");
}

async fn retry_and_cancel_say_what_became_of_each(database: Database) {
    let dead = enqueue(&database, &["panics"]).await;
    drain(&database).await;
    let waiting = enqueue(&database, &["panics", "--delay", "1h"]).await;
    let nobody = "00000000-0000-7000-8000-000000000000";

    let answer = jobs(&database, &["cancel", &waiting, &dead, nobody, "--by", "ann", "--json"]).answer().await;
    answer.fails(1);
    let answers: Value = serde_json::from_str(&answer.stdout).unwrap();
    let expected = json!([
        { "id": waiting, "answer": "cancelled", "state": null },
        { "id": dead, "answer": "ended", "state": "dead" },
        { "id": nobody, "answer": "not_found", "state": null },
    ]);
    assert_eq!(answers, expected);
    assert!(show(&database, &waiting).await["error"].as_str().unwrap().contains("ann"));
    assert!(jobs(&database, &["cancel", &waiting]).answer().await.ok().contains("had ended already: cancelled"));

    let answer = jobs(&database, &["retry", &dead, "--json"]).answer().await.json();
    assert_eq!(answer, json!([{ "id": dead, "answer": "ready", "held_by": null }]));
    assert_eq!(show(&database, &dead).await["state"], "ready");
    assert!(jobs(&database, &["retry", nobody]).answer().await.fails(1).lines().count() == 1);
    assert!(jobs(&database, &["show", nobody]).answer().await.fails(1).contains("there is no job"));
}

async fn purge_takes_waiting_jobs_only(database: Database) {
    enqueue(&database, &["panics"]).await;
    drain(&database).await;
    for line in [["panics", "--delay=1h"], ["panics", "--queue=a"], ["fails", r#"{"text":"x"}"#]] {
        enqueue(&database, &line).await;
    }
    let purge = async |line: &[&str]| jobs(&database, &[&["purge", "--json"], line].concat()).answer().await.json();
    assert_eq!(purge(&["--job", "nobody"]).await, json!({ "purged": 0 }));
    assert_eq!(purge(&["--state", "scheduled"]).await, json!({ "purged": 1 }));
    assert_eq!(purge(&["--queue", "a"]).await, json!({ "purged": 1 }));
    assert_eq!(purge(&["--all"]).await, json!({ "purged": 1 }));
    let stats = jobs(&database, &["stats", "--json"]).answer().await.json();
    assert_eq!(stats["by_state"]["dead"], 1);
    assert_eq!(stats["total"], 1);
    assert!(jobs(&database, &["purge"]).answer().await.fails(2).contains("--all"));
    assert!(jobs(&database, &["purge", "--state", "dead"]).answer().await.fails(2).contains("prune"));
}

async fn prune_takes_ended_jobs_only(database: Database) {
    enqueue(&database, &["panics"]).await;
    enqueue(&database, &["welcome_user", r#"{"user_id":1}"#]).await;
    drain(&database).await;
    enqueue(&database, &["panics", "--delay", "1h"]).await;
    let prune = async |line: &[&str]| jobs(&database, &[&["prune", "--json"], line].concat()).answer().await.json();
    assert_eq!(prune(&[]).await, json!({ "pruned": 0 }));
    assert_eq!(prune(&["--retain", "succeeded=0s"]).await, json!({ "pruned": 1 }));
    assert_eq!(prune(&["--retain", "0s"]).await, json!({ "pruned": 1 }));
    let stats = jobs(&database, &["stats", "--json"]).answer().await.json();
    assert_eq!(stats["by_state"]["scheduled"], 1);
    assert_eq!(stats["total"], 1);
}

async fn a_job_runs_here_and_now_without_a_row(database: Database) {
    let answer = jobs(&database, &["run", "welcome_user", r#"{"user_id":7,"note":"!"}"#]).env("GREETING", "hello");
    assert_eq!(answer.answer().await.ok(), "\"hello, user 7!!\"\n");
    assert_eq!(jobs(&database, &["run", "reindexing", r#"{"id":1}"#]).answer().await.ok(), "null\n");
    let answer = jobs(&database, &["run", "fails", r#"{"text":"/nowhere"}"#]).answer().await;
    assert!(answer.fails(1).contains("job `fails` failed: cannot read /nowhere"), "{answer:?}");
    let answer = jobs(&database, &["run", "panics"]).answer().await;
    assert!(answer.fails(1).contains("jobs.rs:") && answer.stderr.contains("as it must"), "{answer:?}");
    let stats = jobs(&database, &["stats", "--json"]).answer().await.json();
    assert_eq!(stats["total"], 0);
    let answer = jobs(&database, &["run", "welcome_user", r#"{"user_id":7}"#]).env("GREETING", "").answer().await;
    assert!(answer.fails(1).contains("the set-up of this program failed: GREETING is empty"), "{answer:?}");
}

async fn what_a_job_enqueues_goes_to_the_same_database(database: Database) {
    // The environment names another database than the flag does, which counts.
    let url = database.url.clone();
    let line = ["run", "enqueues", r#"{"user_id":7}"#, "--database-url", &url, "--schema", "own"];
    call(env!("CARGO_BIN_EXE_jobs"), database.folder.path(), &line)
        .env("DATABASE_URL", "sqlite:other.db")
        .answer()
        .await
        .ok();
    let stats = jobs(&database, &["stats", "--json"]).env("PLAIN_WORKER_SCHEMA", "own").answer().await.json();
    assert_eq!(stats["by_job"], json!({ "welcome_user": { "ready": 1 } }));
    assert!(!database.folder.path().join("other.db").exists());
}

async fn migrate_says_what_it_did(database: Database) {
    // By hand, with the script that it prints.
    let answer = jobs(&database, &["migrate", "--print-sql", "--schema", "byhand"]).answer().await;
    let script = sqlx::AssertSqlSafe(answer.ok().to_owned());
    if database.is_postgres() {
        let pool = sqlx::PgPool::connect(&database.url).await.unwrap();
        sqlx::raw_sql(script).execute(&pool).await.unwrap();
    } else {
        let pool = sqlx::SqlitePool::connect(&database.url).await.unwrap();
        sqlx::raw_sql(script).execute(&pool).await.unwrap();
    }
    let byhand = async |line: &[&str]| jobs(&database, &[line, &["--schema", "byhand"]].concat()).answer().await;
    assert_eq!(byhand(&["migrate", "--print-sql"]).await.ok(), "-- the tables are up to date\n");
    assert!(byhand(&["migrate"]).await.ok().contains("up to date"));
    byhand(&["enqueue", "welcome_user", r#"{"user_id":7}"#]).await.ok();
    assert!(byhand(&["worker", "--drain"]).await.ok().starts_with("1 succeeded"));

    let answer = jobs(&database, &["migrate", "--json"]).answer().await.json();
    assert_eq!(answer["applied"][0], "0001_first");
    assert!(jobs(&database, &["migrate"]).answer().await.ok().contains("up to date"));
    let program = env!("CARGO_BIN_EXE_stand_alone");
    let answer = call(program, database.folder.path(), &["stats"]).env("DATABASE_URL", &database.url).answer().await;
    assert_eq!(answer.ok(), "no jobs\n");
}

async fn the_commands_can_be_mounted(database: Database) {
    let mounted = async |line: &[&str]| {
        let call = call(env!("CARGO_BIN_EXE_mounted"), database.folder.path(), line);
        call.env("PLAIN_WORKER_DATABASE_URL", &database.url).answer().await
    };
    assert_eq!(mounted(&["serve"]).await.ok(), "served\n");
    mounted(&["background", "enqueue", "count_words", r#"{"text":"to be or not"}"#]).await.ok();
    assert!(mounted(&["worker", "--drain"]).await.ok().contains("1 succeeded"));
    let rows = mounted(&["list", "--json"]).await.json();
    assert_eq!(rows[0]["output"], 4);
    assert_eq!(mounted(&["background", "show", "x"]).await.code, Some(2));
    assert!(mounted(&["background", "retry", "00000000-0000-7000-8000-000000000000"]).await.code == Some(1));
}

async fn a_drain_says_what_it_leaves(database: Database) {
    use plain_worker::PauseTarget;
    enqueue(&database, &["panics", "--queue", "paused"]).await;
    enqueue(&database, &["panics", "--delay", "1h"]).await;
    enqueue(&database, &["reindexing", r#"{"id":1}"#, "--queue", "other"]).await;
    enqueue(&database, &["welcome_user", r#"{"user_id":7}"#]).await;
    let queue = database.queue().await;
    queue.pause(PauseTarget::queue("paused"), "test").await.unwrap();
    // A job of another program.
    let mounted =
        call(env!("CARGO_BIN_EXE_mounted"), database.folder.path(), &["enqueue", "count_words", "{\"text\":\"\"}"]);
    mounted.env("DATABASE_URL", &database.url).answer().await.ok();
    let line = ["worker", "--drain", "--json", "--queue", "paused,default", "--queue", "mail=2"];
    let report = jobs(&database, &line).answer().await.json();
    assert_eq!(report["succeeded"], 1, "{report}");
    assert_eq!(report["left"], json!({ "paused": 1, "unknown": 1, "later": 1, "running_elsewhere": 0 }));
    let answer = jobs(&database, &["worker", "--drain"]).answer().await;
    assert!(answer.ok().contains("left: 1 job paused, 1 job unknown to this program, 1 job due later"), "{answer:?}");
}

async fn a_worker_stops_at_a_signal(database: Database) {
    let (log, until) = (database.folder.path().join("log"), database.folder.path().join("go"));
    for job in ["waits", "waits_plainly"] {
        for (signals, code) in [(&[Signal::TERM] as &[Signal], 0), (&[Signal::INT, Signal::INT], 130)] {
            // One that ends when it is told may have ended before the second signal.
            let name = if signals.len() == 1 { "a" } else { "deaf" };
            let arguments = json!({ "log": log, "until": until, "name": name }).to_string();
            let id = enqueue(&database, &[job, &arguments]).await;
            let line = if signals.len() == 1 { ["worker", "--grace", "1s"] } else { ["worker", "--grace", "1h"] };
            let mut worker = Program::start_command(jobs(&database, &line).command());
            until_true("it runs", || async { show(&database, &id).await["state"] == "running" }).await;
            for signal in signals {
                worker.signal(*signal);
                worker.prints(": stopping when").await;
            }
            assert_eq!(worker.ended().await, Some(code), "{job}: {}", worker.output());
            if signals.len() == 1 {
                // Nothing is failed by a deploy; a plain function that returns as told has ended well.
                let expected = if job == "waits" { "ready" } else { "succeeded" };
                assert_eq!(show(&database, &id).await["state"], expected, "{job}: {}", worker.output());
            }
            jobs(&database, &["purge", "--all"]).answer().await.ok();
        }
    }
}

async fn the_log_is_what_was_asked_for(database: Database) {
    enqueue(&database, &["welcome_user", r#"{"user_id":7}"#]).await;
    let answer = jobs(&database, &["worker", "--drain", "--log-format", "json"]).answer().await;
    answer.ok();
    let lines: Vec<Value> = answer.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines[0]["fields"]["message"].as_str().unwrap().starts_with("using "), "{lines:?}");
    let about = |lines: &[Value], message: &str| -> Vec<Value> {
        lines.iter().map(|line| line["fields"].clone()).filter(|fields| fields["message"] == message).collect()
    };
    // One line for the start and one for the end, with all that a search needs.
    let (started, ended) = (about(&lines, "job started"), about(&lines, "job ended"));
    assert_eq!((started.len(), ended.len()), (1, 1), "{lines:?}");
    assert!(started[0]["waited_ms"].is_number() && ended[0]["took_ms"].is_number(), "{lines:?}");
    assert_eq!((&started[0]["queue"], &started[0]["attempt"]), (&json!("mail"), &json!(1)));
    assert_eq!((&ended[0]["job"], &ended[0]["state"]), (&json!("welcome_user"), &json!("succeeded")));
    assert_eq!((&started[0]["id"], &ended[0]["status"]), (&ended[0]["id"], &json!("successful")));

    enqueue(&database, &["fails", r#"{"text":"/nothing"}"#]).await;
    let answer = jobs(&database, &["worker", "--drain", "--log-format", "json"]).answer().await;
    let lines: Vec<Value> = answer.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let failed = about(&lines, "job ended");
    assert_eq!((failed.len(), &failed[0]["state"]), (1, &json!("dead")), "{lines:?}");
    assert!(failed[0]["error"].as_str().unwrap().contains("cannot read /nothing"), "{failed:?}");
    assert!(lines.iter().any(|line| line["fields"] == failed[0] && line["level"] == "ERROR"), "{lines:?}");
    let quiet = jobs(&database, &["worker", "--drain"]).env("PLAIN_WORKER_LOG", "off").answer().await;
    quiet.ok();
    assert_eq!(quiet.stderr.lines().count(), 1, "{quiet:?}");
    let loud =
        jobs(&database, &["worker", "--drain", "--log", "plain_worker=debug"]).env("RUST_LOG", "off").answer().await;
    assert!(loud.stderr.contains("worker started"), "{loud:?}");
}
