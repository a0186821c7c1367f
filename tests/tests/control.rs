//! What people do to a running system: pauses, and what they leave in the audit.

use std::time::Duration;

use plain_worker::{JobFilter, JobState, PauseTarget, Queue, Worker, WorkerBuilder, WorkerReport, job};
use plain_worker_tests::{Database, on_every_store, until_true};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

#[job]
async fn mails(_n: u32) {}

#[job(name = "encodes", queue = "video")]
async fn encodes_a_film(_n: u32) {}

#[job]
fn reckons(_n: u32) {}

on_every_store! {
    a_paused_queue_and_a_paused_job_wait_while_others_run,
    everything_can_be_paused_at_once,
    a_worker_can_be_started_paused,
    a_drain_leaves_what_is_paused,
    names_that_nothing_can_have_are_refused,
    who_changed_what_can_be_read,
}

/// Runs a worker beside `work`.
async fn beside<T>(builder: WorkerBuilder, work: impl Future<Output = T>) -> T {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(builder.run_until(async { stopped.await.unwrap_or_default() }));
    let value = work.await;
    stop.send(()).expect("the worker runs");
    running.await.expect("no panic").expect("a clean end");
    value
}

async fn drain(queue: &Queue) -> WorkerReport {
    Worker::builder(queue.clone()).drain().run_until(std::future::pending()).await.expect("a worker")
}

async fn a_paused_queue_and_a_paused_job_wait_while_others_run(database: Database) {
    // Two doors to one database, as two processes have them.
    let (queue, other) = (database.queue().await, database.queue().await);
    beside(Worker::builder(queue.clone()), async {
        mails::enqueue(0).on(&queue).await.unwrap().wait().await.unwrap();
        assert!(other.pause(PauseTarget::of::<mails>(), "anna").await.unwrap());
        assert!(other.pause(PauseTarget::queue("video"), "ben").await.unwrap());
        let mail = mails::enqueue(1).on(&queue).await.unwrap();
        let film = encodes_a_film::enqueue(1).on(&queue).await.unwrap();
        // Enqueued later, and in front of them.
        for n in 0..5 {
            reckons::enqueue(n).on(&queue).await.unwrap().wait().await.unwrap();
        }
        for handle in [mail.id(), film.id()] {
            assert_eq!(queue.job(handle).await.unwrap().unwrap().state, JobState::Ready);
        }
        let pauses = queue.pauses().await.unwrap();
        let shown: Vec<_> = pauses.iter().map(|pause| format!("{} by {}", pause.target, pause.by)).collect();
        assert_eq!(shown, ["job:mails by anna", "queue:video by ben"]);

        assert!(other.resume(PauseTarget::queue("video"), "ben").await.unwrap());
        film.wait().await.unwrap();
        assert_eq!(queue.job(mail.id()).await.unwrap().unwrap().state, JobState::Ready);
        assert!(other.resume("job:mails".parse().unwrap(), "anna").await.unwrap());
        mail.wait().await.unwrap();
    })
    .await;
}

async fn everything_can_be_paused_at_once(database: Database) {
    let (queue, other) = (database.queue().await, database.queue().await);
    beside(Worker::builder(queue.clone()), async {
        mails::enqueue(0).on(&queue).await.unwrap().wait().await.unwrap();
        assert!(other.pause("*".parse().unwrap(), "anna").await.unwrap());
        let mail = mails::enqueue(1).on(&queue).await.unwrap();
        assert!(other.pause(PauseTarget::queue("default"), "anna").await.unwrap());
        assert!(other.resume(PauseTarget::Everything, "anna").await.unwrap());
        let film = encodes_a_film::enqueue(1).on(&queue).await.unwrap();
        film.wait().await.unwrap();
        assert_eq!(queue.job(mail.id()).await.unwrap().unwrap().state, JobState::Ready, "its queue is paused apart");
        assert!(other.resume(PauseTarget::queue("default"), "anna").await.unwrap());
        mail.wait().await.unwrap();
    })
    .await;
}

async fn a_worker_can_be_started_paused(database: Database) {
    let (queue, other) = (database.queue().await, database.queue().await);
    let mail = mails::enqueue(1).on(&queue).await.unwrap();
    beside(Worker::builder(queue.clone()).paused(true), async {
        until_true("it says that it waits", || async { !other.pauses().await.unwrap().is_empty() }).await;
        let pause = other.pauses().await.unwrap().remove(0);
        assert!(matches!(pause.target, PauseTarget::Worker(_)), "{pause:?}");
        // A worker that is not paused goes on, this one does not.
        let report = drain(&other).await;
        assert_eq!(report.succeeded, 1);
        mail.wait().await.unwrap();
        let second = mails::enqueue(2).on(&other).await.unwrap();
        assert_eq!(queue.job(second.id()).await.unwrap().unwrap().state, JobState::Ready);
        assert!(other.resume(PauseTarget::Everything, "anna").await.unwrap());
        second.wait().await.unwrap();
        assert_eq!(other.pauses().await.unwrap(), []);
    })
    .await;
}

async fn a_drain_leaves_what_is_paused(database: Database) {
    let queue = database.queue().await;
    queue.pause(PauseTarget::of::<encodes_a_film>(), "anna").await.unwrap();
    encodes_a_film::enqueue(1).on(&queue).await.unwrap();
    mails::enqueue(1).on(&queue).await.unwrap();
    assert_eq!(drain(&queue).await.succeeded, 1);
    queue.resume(PauseTarget::job("encodes"), "anna").await.unwrap();
    assert_eq!(drain(&queue).await.succeeded, 1);
}

async fn names_that_nothing_can_have_are_refused(database: Database) {
    let queue = database.queue().await;
    let refused = async |target: PauseTarget| queue.pause(target, "anna").await.unwrap_err().to_string();
    assert_eq!(
        refused(PauseTarget::job("")).await,
        "a job without a name cannot be paused or resumed: write `job:NAME`"
    );
    assert!(refused(PauseTarget::queue("a\0b")).await.contains("holds a NUL"));
    assert_eq!(queue.pauses().await.unwrap(), []);
}

async fn who_changed_what_can_be_read(database: Database) {
    let queue = database.queue().await;
    let mail = mails::enqueue(1).on(&queue).await.unwrap();
    for n in 0..3 {
        encodes_a_film::enqueue(n).on(&queue).await.unwrap();
    }
    queue.pause(PauseTarget::Everything, "anna").await.unwrap();
    queue.cancel_by(mail.id(), "ben").await.unwrap();
    assert_eq!(queue.purge_by(JobFilter::new().job("encodes"), "anna").await.unwrap(), 3);
    assert_eq!(queue.purge(JobFilter::new()).await.unwrap(), 0);
    queue.resume(PauseTarget::Everything, "ben").await.unwrap();
    let shown: Vec<_> = queue
        .audit(None, 10)
        .await
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {} {}", row.actor, row.action, row.target.as_deref().unwrap_or_default(), row.count))
        .collect();
    let cancelled = format!("ben cancel {} 1", mail.id());
    assert_eq!(shown, ["ben resume * 1", "anna purge job=encodes 3", &cancelled, "anna pause * 1"]);
}

/// How many entries of its index the claim has read so far.
async fn entries_read(connection: &mut PgConnection) -> (i64, i64) {
    sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut *connection).await.unwrap();
    let row = sqlx::query(
        "SELECT idx_scan, idx_tup_read FROM pg_stat_all_indexes
          WHERE schemaname = 'plain_worker' AND indexrelname = 'job_requests_ready'",
    )
    .fetch_one(connection)
    .await
    .unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn what_is_paused_costs_the_others_nothing() {
    const PAUSED: i64 = 100_000;
    let database = Database::postgres().await;
    let queue = database.queue().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    for (queue, job) in [("default", "mails"), ("video", "encodes")] {
        sqlx::raw_sql(AssertSqlSafe(format!(
            "INSERT INTO plain_worker.job_requests (id, state, job, queue, due_at, enqueued_at, arguments, shape)
             SELECT gen_random_uuid(), 'ready', '{job}', '{queue}', now(), now(), '{{}}', '' FROM generate_series(1, {PAUSED})"
        )))
        .execute(&mut connection)
        .await
        .unwrap();
    }
    sqlx::raw_sql("ANALYZE plain_worker.job_requests").execute(&mut connection).await.unwrap();
    queue.pause(PauseTarget::of::<mails>(), "anna").await.unwrap();
    queue.pause(PauseTarget::queue("video"), "anna").await.unwrap();
    let before = entries_read(&mut connection).await;
    for n in 0..20 {
        reckons::enqueue(n).on(&queue).await.unwrap();
        assert_eq!(drain(&queue).await.succeeded, 1);
    }
    queue.close().await;
    // The server counts a connection's reads when that connection ends, at the latest.
    let after = until_counted(&mut connection, before.0 + 40).await;
    let read = after.1 - before.1;
    assert!(read < PAUSED / 10, "{read} entries were read for 20 jobs");
}

async fn until_counted(connection: &mut PgConnection, scans: i64) -> (i64, i64) {
    let start = std::time::Instant::now();
    loop {
        let counted = entries_read(connection).await;
        let sessions: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND backend_type = 'client backend'",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        if counted.0 >= scans && sessions == 0 {
            return counted;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the reads were never counted: {counted:?}, {sessions}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
