//! `doctor` finds what goes wrong in practice: each finding is provoked on the real thing.

#[path = "cli/program.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod program;

use plain_worker_tests::{Database, Program, faketime, on_every_store, until};
use program::{Answer, jobs};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

on_every_store! {
    a_healthy_database_needs_no_care,
    missing_tables_are_found,
    jobs_that_no_worker_takes_are_found,
    jobs_that_outstay_their_time_or_are_always_handed_back_are_found,
    rows_that_belong_to_nothing_are_found,
    a_broken_schedule_and_a_forgotten_pause_are_found,
}

async fn doctor(database: &Database, flags: &[&str]) -> Answer {
    jobs(database, &[&["doctor", "--json"], flags].concat()).answer().await
}

/// What it finds, as `check: finding: evidence`, and its exit code.
async fn findings(database: &Database, flags: &[&str]) -> (Vec<String>, Option<i32>) {
    let answer = doctor(database, flags).await;
    let shape: Value = serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let found = shape["findings"].as_array().unwrap().iter().map(|finding| {
        assert!(!word(finding, "remedy").is_empty() && !word(finding, "evidence").is_empty(), "{finding}");
        format!("{}: {}: {}", word(finding, "check"), word(finding, "finding"), word(finding, "evidence"))
    });
    // The throw-away server of the tests is set for speed.
    let of_the_tests = ["fsync is off", "full_page_writes is off"];
    let found = found.filter(|finding| !of_the_tests.iter().any(|known| finding.ends_with(known)));
    (found.collect(), answer.code)
}

/// The exit code where nothing of the test's own needs care.
fn fine(database: &Database) -> Option<i32> {
    Some(i32::from(database.is_postgres()))
}

/// The one finding with these words; it needs care.
#[track_caller]
fn has((found, code): &(Vec<String>, Option<i32>), words: &[&str]) {
    let there = found.iter().any(|finding| words.iter().all(|word| finding.contains(word)));
    assert!(there && *code == Some(1), "{words:?} in {found:#?}, exit code {code:?}");
}

async fn enqueue(database: &Database, line: &[&str]) -> String {
    let answer = jobs(database, &[&["enqueue", "--json"], line].concat()).answer().await.json();
    answer["id"].as_str().expect("an id").to_owned()
}

async fn migrate(database: &Database) {
    jobs(database, &["migrate"]).answer().await.ok();
}

async fn a_healthy_database_needs_no_care(database: Database) {
    migrate(&database).await;
    assert_eq!(findings(&database, &[]).await, (vec![], fine(&database)));
    enqueue(&database, &["welcome_user", r#"{"user_id":7}"#]).await;
    jobs(&database, &["worker", "--drain"]).answer().await.ok();
    assert_eq!(findings(&database, &[]).await, (vec![], fine(&database)));
    if !database.is_postgres() {
        let answer = jobs(&database, &["doctor"]).answer().await;
        assert_eq!(answer.ok().trim(), "nothing needs care");
    }
}

async fn missing_tables_are_found(database: Database) {
    let found = findings(&database, &[]).await;
    has(&found, &["schema", "missing, or older", "1 steps"]);
    let words = jobs(&database, &["doctor"]).answer().await;
    assert!(words.stdout.starts_with("CARE  schema: ") && words.stdout.contains("→ `jobs migrate`"), "{words:?}");
}

async fn jobs_that_no_worker_takes_are_found(database: Database) {
    enqueue(&database, &["welcome_user", r#"{"user_id":7}"#]).await;
    has(&findings(&database, &[]).await, &["workers", "no worker lives, and 1 jobs wait", "no worker has a row"]);

    let worker =
        Program::start_command(jobs(&database, &["worker", "--queue", "other"]).env("RUST_LOG", "info").command());
    worker.prints("worker started").await;
    has(&findings(&database, &[]).await, &["queues", "no live worker serves", "`mail` with 1 jobs"]);

    // A row that another program has put in, due later, so that this worker does not park it.
    enqueue(&database, &["fails", r#"{"text":"x"}"#, "--queue", "other", "--delay", "1h"]).await;
    database.execute("UPDATE {}job_requests SET job = 'stranger' WHERE queue = 'other'").await;
    has(&findings(&database, &[]).await, &["jobs", "no live worker of their queue knows", "1 of `stranger`"]);
    database.execute("UPDATE {}job_requests SET state = 'parked' WHERE queue = 'other'").await;
    has(&findings(&database, &[]).await, &["jobs", "parked", "1 of `stranger`"]);
}

async fn jobs_that_outstay_their_time_or_are_always_handed_back_are_found(database: Database) {
    let (log, until_file) = (database.folder.path().join("log"), database.folder.path().join("until"));
    let arguments = serde_json::json!({ "log": log, "until": until_file, "name": "deaf" }).to_string();
    let id = enqueue(&database, &["waits_plainly", &arguments]).await;
    enqueue(&database, &["fails", r#"{"text":"x"}"#, "--delay", "1h"]).await;
    database.execute("UPDATE {}job_requests SET hand_backs = 4 WHERE job = 'fails'").await;
    let mut worker = Program::start_command(jobs(&database, &["worker"]).command());
    until("it runs", || async { std::fs::read_to_string(&log).ok().filter(|text| text.contains("started")) }).await;
    let hour = if database.is_postgres() { "interval '1 hour'" } else { "3600000000" };
    database
        .execute(&format!("UPDATE {{}}job_processes SET timeout_ms = 1000, started_at = started_at - {hour}"))
        .await;
    let found = findings(&database, &[]).await;
    has(&found, &["timeouts", "after their timeout", &id, "`waits_plainly`", "over its time"]);
    has(&found, &["deploys", "again and again", "1 of `fails`, up to 4 times"]);
    worker.kill();
}

async fn rows_that_belong_to_nothing_are_found(database: Database) {
    let (log, until_file) = (database.folder.path().join("log"), database.folder.path().join("until"));
    let arguments = serde_json::json!({ "log": log, "until": until_file, "name": "a" }).to_string();
    let id = enqueue(&database, &["waits", &arguments]).await;
    let mut worker = Program::start_command(jobs(&database, &["worker"]).command());
    until("it runs", || async { std::fs::read_to_string(&log).ok().filter(|text| text.contains("started")) }).await;
    worker.kill();
    let hour = if database.is_postgres() { "interval '1 hour'" } else { "3600000000" };
    database.execute(&format!("UPDATE {{}}job_processes SET started_at = started_at - {hour}")).await;
    database.execute(&format!("UPDATE {{}}workers SET heartbeat_at = heartbeat_at - {hour}")).await;
    database
        .execute(
            "INSERT INTO {}unique_keys (job, key, id) VALUES ('mail', 'k', '01a22d0d-088b-74f6-80a8-3af11b7cf2a7')",
        )
        .await;
    let found = findings(&database, &[]).await;
    has(&found, &["orphans", "runs of dead workers", &id, "`waits`"]);
    has(&found, &["orphans", "unique keys", "`k` of `mail`"]);
}

async fn a_broken_schedule_and_a_forgotten_pause_are_found(database: Database) {
    let worker = Program::start_command(jobs(&database, &["worker"]).env("RUST_LOG", "info").command());
    worker.prints("worker started").await;
    let add = ["schedules", "add", "nightly", "@daily", "welcome_user", r#"{"user_id":7}"#];
    jobs(&database, &add).answer().await.ok();
    jobs(&database, &["pause", "mail", "--by", "anna"]).answer().await.ok();
    let days = if database.is_postgres() { "interval '3 days'" } else { "259200000000" };
    database.execute(&format!("UPDATE {{}}pauses SET paused_at = paused_at - {days}")).await;
    let (found, code) = findings(&database, &[]).await;
    assert_eq!((found.len(), code), (1, fine(&database)), "a pause may be meant: {found:?}");
    assert!(found[0].contains("paused for more than a day: queue:mail by anna for 3days"), "{found:?}");
    database.execute("UPDATE {}schedules SET expression = 'nonsense' WHERE name = 'nightly'").await;
    has(&findings(&database, &[]).await, &["schedules", "run nothing", "`nightly`"]);
}

async fn connect(database: &Database) -> PgConnection {
    PgConnection::connect(&database.url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn settings_tables_and_transactions_of_postgres_are_looked_at() {
    let database = Database::postgres().await;
    migrate(&database).await;
    let mut connection = connect(&database).await;
    let name = database.url.rsplit('/').next().and_then(|rest| rest.split('?').next()).unwrap();
    let sql = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    has(
        &findings(&database, &[]).await,
        &["settings", "are lost when the database crashes", "synchronous_commit is off"],
    );

    database.execute("ALTER TABLE {}job_requests SET (autovacuum_enabled = false)").await;
    has(&findings(&database, &[]).await, &["vacuum", "autovacuum is off", "job_requests"]);
    database
        .execute(
            "INSERT INTO {}job_requests (id, state, job, queue, due_at, enqueued_at, arguments, shape)
             SELECT gen_random_uuid(), 'scheduled', 'a', 'b', now() + interval '1 day', now(), '{}', ''
               FROM generate_series(1, 12000)"
                .replace("'{}'", "'[]'")
                .as_str(),
        )
        .await;
    database.execute("DELETE FROM {}job_requests").await;
    until("the dead rows are counted", || async {
        let (found, _) = findings(&database, &[]).await;
        found.iter().any(|finding| finding.contains("dead rows make claims slow")).then_some(())
    })
    .await;

    sqlx::raw_sql(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'plain_worker.job_requests_parked'::regclass",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    has(&findings(&database, &[]).await, &["indexes", "not finished", "job_requests_parked"]);

    let mut open = connection.begin().await.unwrap();
    sqlx::query("SELECT 1").execute(&mut *open).await.unwrap();
    let (found, _) = findings(&database, &[]).await;
    assert!(!found.iter().any(|finding| finding.starts_with("transactions")), "it is not open for long: {found:?}");
    has(
        &findings(&database, &["--long-transaction", "0s"]).await,
        &["transactions", "vacuumed away", "idle in transaction"],
    );
    open.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn what_a_role_may_not_do_is_found() {
    let database = Database::postgres().await;
    migrate(&database).await;
    let role = format!("d{}", uuid::Uuid::now_v7().simple());
    let mut connection = connect(&database).await;
    let sql = format!(
        "CREATE ROLE {role} LOGIN NOSUPERUSER; GRANT USAGE ON SCHEMA plain_worker TO {role};
         GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA plain_worker TO {role}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let (scheme, rest) = database.url.split_once("://").unwrap();
    let (_, host) = rest.split_once('@').unwrap();
    let url = format!("{scheme}://{role}@{host}");
    let answer = jobs(&database, &["doctor", "--database-url", &url]).answer().await;
    let sql = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stdout.contains(&format!("the role `{role}` may not do")), "{answer:?}");
    assert!(answer.stdout.contains("it lacks DELETE on audit, "), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn clocks_that_differ_are_found() {
    let database = Database::postgres().await;
    migrate(&database).await;
    let library = faketime();
    let mut command = jobs(&database, &["doctor"]).command();
    command.env("LD_PRELOAD", &library).env("FAKETIME", "+120s").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut doctor = Program::start_command(command);
    assert_eq!(doctor.ended().await, Some(1), "{}", doctor.output());
    let output = doctor.output();
    assert!(output.contains("clocks of the database and of this machine differ"), "{output}");
    assert!(output.contains("behind this machine"), "{output}");
}
