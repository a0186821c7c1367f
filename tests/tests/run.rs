//! How jobs run and how their attempts end: retries, errors, panics, timeouts, cancellation, injection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use plain_worker::{
    AttemptRow, AttemptStatus, BoxError, CancelAnswer, CancelReason, Context, ErrorKind, JobState, Queue, RetryAnswer,
    WaitError, Worker, WorkerBuilder, WorkerReport, cancel, discard, job, snooze,
};
use plain_worker_tests::{Database, on_every_store, until, until_true};

/// What jobs tell the test, by a key of the test's own.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<HashMap<String, Vec<String>>>>);

impl Board {
    fn write(&self, key: &str, line: impl ToString) {
        self.0.lock().unwrap().entry(key.to_owned()).or_default().push(line.to_string());
    }

    fn read(&self, key: &str) -> Vec<String> {
        self.0.lock().unwrap().get(key).cloned().unwrap_or_default()
    }
}

#[job(retries = 2, backoff = fixed("10ms"))]
async fn fails_until(n: u32, #[inject] ctx: Context) -> Result<u32, BoxError> {
    if ctx.attempt() < n { Err(format!("attempt {}", ctx.attempt()).into()) } else { Ok(ctx.attempt()) }
}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] std::num::ParseIntError);

#[job]
async fn chain() -> Result<(), Outer> {
    "x".parse::<i32>().map(drop).map_err(Outer)
}

#[job]
async fn with_anyhow() -> anyhow::Result<()> {
    std::fs::read("/nowhere").map(drop).context("reading the settings")
}

#[job]
async fn panics(text: String) {
    panic!("it said {text}");
}

#[job]
fn plain_panics() {
    let missing = std::env::var("PLAIN_WORKER_NO_SUCH_VARIABLE").ok();
    missing.expect("there is something");
}

#[job(retries = 5)]
async fn steers(how: String) -> anyhow::Result<()> {
    match how.as_str() {
        "discard" => Err(discard("no use")).context("while looking"),
        "cancel" => Err(cancel("not wanted")).context("while looking"),
        _ => Err(snooze(Duration::from_secs(3600))).context("while looking"),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("code {0}")]
struct Code(u16);

fn is_server_side(code: &Code) -> bool {
    code.0 >= 500
}

#[job(retries = 1, backoff = fixed("1ms"), retry_if = is_server_side)]
async fn answers(code: u16) -> Result<(), Code> {
    Err(Code(code))
}

#[job(timeout = "50ms")]
async fn sleeps_for_ever(#[inject] board: Board, key: String) {
    struct Dropped(Board, String);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.write(&self.1, "dropped");
        }
    }
    let _dropped = Dropped(board, key);
    std::future::pending::<()>().await;
}

#[job(timeout = "50ms")]
fn ignores_its_timeout(#[inject] ctx: Context, #[inject] board: Board, key: String) -> u8 {
    while !ctx.is_cancelled() {
        std::thread::sleep(Duration::from_millis(5));
    }
    board.write(&key, ctx.cancel_reason().unwrap());
    7
}

#[job]
async fn waits_for_its_end(
    #[inject] ctx: Context,
    #[inject] board: Board,
    key: String,
    listen: bool,
) -> Result<(), BoxError> {
    board.write(&key, "started");
    if listen {
        ctx.cancelled().await;
        board.write(&key, ctx.cancel_reason().unwrap());
        return Err("stopped as told".into());
    }
    std::future::pending().await
}

#[job]
async fn counts_itself(#[inject] gauge: Gauge) {
    let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
    gauge.most.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(30)).await;
    gauge.now.fetch_sub(1, Ordering::SeqCst);
}

#[job]
fn counts_itself_plainly(#[inject] gauge: Gauge) {
    let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
    gauge.most.fetch_max(now, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(30));
    gauge.now.fetch_sub(1, Ordering::SeqCst);
}

#[derive(Clone, Default)]
struct Gauge {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[job]
async fn notes_order(#[inject] board: Board, key: String, n: u32) {
    board.write(&key, n);
}

#[job(on_lost = "fail")]
async fn speaks_of_itself(#[inject] ctx: Context) -> Vec<String> {
    let metadata: Option<HashMap<String, i32>> = ctx.metadata().unwrap();
    vec![
        ctx.job().to_owned(),
        ctx.queue_name().to_owned(),
        ctx.attempt().to_string(),
        ctx.retries_left().to_string(),
        metadata.unwrap()["tenant"].to_string(),
        ctx.slot().is_none().to_string(),
    ]
}

#[job]
async fn enqueues_another(#[inject] ctx: Context, #[inject] total: Total, left: i64) -> Result<(), BoxError> {
    total.0.fetch_add(left, Ordering::SeqCst);
    if left > 0 {
        enqueues_another::enqueue(left - 1).on(ctx.queue().ok_or("detached")?).await?;
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Total(Arc<AtomicI64>);

#[job]
async fn returns_too_much() -> String {
    "x".repeat(2 * 1024 * 1024)
}

#[job]
async fn returns_nan() -> f64 {
    f64::NAN
}

#[job]
async fn errs_with_nul() -> Result<(), String> {
    Err("a\0b".to_owned() + &"x".repeat(100_000))
}

fn worker(queue: &Queue, board: &Board) -> WorkerBuilder {
    Worker::builder(queue.clone()).state(board.clone()).state(Gauge::default()).state(Total::default())
}

async fn drain(queue: &Queue) -> WorkerReport {
    worker(queue, &Board::default()).drain().run_until(std::future::pending()).await.expect("a worker")
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

async fn only_attempt(queue: &Queue, id: plain_worker::JobId) -> AttemptRow {
    let mut attempts = queue.attempts(id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    attempts.remove(0)
}

on_every_store! {
    a_failed_job_runs_again_as_often_as_it_may,
    errors_are_recorded_with_their_whole_chain_and_panics_with_their_place,
    a_job_steers_its_end_by_the_error_it_returns,
    retry_if_decides_by_the_error,
    a_timeout_ends_the_attempt,
    a_running_job_can_be_cancelled,
    no_more_run_at_once_than_allowed,
    one_job_at_a_time_runs_in_order,
    a_job_knows_itself,
    jobs_enqueue_jobs,
    outputs_and_errors_that_cannot_be_stored_are_told,
    a_dead_job_is_retried_by_hand,
    no_connection_is_held_while_jobs_run,
    rows_that_no_worker_could_read_stop_nothing,
}

async fn a_failed_job_runs_again_as_often_as_it_may(database: Database) {
    let queue = database.queue().await;
    let lucky = fails_until::enqueue(3).on(&queue).await.unwrap();
    let unlucky = fails_until::enqueue(9).on(&queue).await.unwrap();
    let never = fails_until::enqueue(9).retries(0).on(&queue).await.unwrap();
    let ended = beside(worker(&queue, &Board::default()), async {
        (lucky.wait().await, unlucky.wait().await, never.wait().await)
    })
    .await;
    assert_eq!(ended.0.unwrap(), 3);
    for (ended, id, attempts) in [(ended.1, unlucky.id(), 3), (ended.2, never.id(), 1)] {
        assert!(
            matches!(&ended, Err(WaitError::Ended { state: JobState::Dead, error, .. }) if *error == format!("attempt {attempts}")),
            "{ended:?}"
        );
        let row = queue.job(id).await.unwrap().unwrap();
        assert_eq!((row.attempt, row.failures), (attempts, attempts));
        let all = queue.attempts(id).await.unwrap();
        assert_eq!(all.iter().map(|one| one.attempt).collect::<Vec<_>>(), (1..=attempts).collect::<Vec<_>>());
        assert!(all.iter().all(|one| one.status == AttemptStatus::Errored && one.error_kind == Some(ErrorKind::Error)));
    }
}

async fn errors_are_recorded_with_their_whole_chain_and_panics_with_their_place(database: Database) {
    let queue = database.queue().await;
    let ids = [
        chain::enqueue().on(&queue).await.unwrap().id(),
        with_anyhow::enqueue().on(&queue).await.unwrap().id(),
        panics::enqueue("boo".to_owned()).on(&queue).await.unwrap().id(),
        plain_panics::enqueue().on(&queue).await.unwrap().id(),
    ];
    assert_eq!(drain(&queue).await.dead, 4);
    let mut found = Vec::new();
    for id in ids {
        let attempt = only_attempt(&queue, id).await;
        found.push((attempt.error_kind.unwrap(), attempt.error.unwrap()));
    }
    assert_eq!(found[0], (ErrorKind::Error, "outer\ncaused by: invalid digit found in string".to_owned()));
    assert!(found[1].1.starts_with("reading the settings\ncaused by: No such file"), "{}", found[1].1);
    assert_eq!(found[2].0, ErrorKind::Panic);
    assert!(found[2].1.contains("run.rs:") && found[2].1.ends_with("it said boo"), "{}", found[2].1);
    assert!(found[3].1.contains("run.rs:") && found[3].1.ends_with("there is something"), "{}", found[3].1);
}

async fn a_job_steers_its_end_by_the_error_it_returns(database: Database) {
    let queue = database.queue().await;
    let send = async |how: &str| steers::enqueue(how.to_owned()).on(&queue).await.unwrap().id();
    let (dead, cancelled, later) = (send("discard").await, send("cancel").await, send("snooze").await);
    drain(&queue).await;
    let state = async |id| queue.job(id).await.unwrap().unwrap();
    assert_eq!(state(dead).await.state, JobState::Dead);
    assert_eq!(state(cancelled).await.state, JobState::Cancelled);
    let row = state(later).await;
    assert_eq!((row.state, row.failures), (JobState::Scheduled, 0));
    let status = async |id| only_attempt(&queue, id).await.status;
    assert_eq!(status(dead).await, AttemptStatus::Errored);
    assert_eq!(status(cancelled).await, AttemptStatus::Cancelled);
    assert_eq!(status(later).await, AttemptStatus::Snoozed);
}

async fn retry_if_decides_by_the_error(database: Database) {
    let queue = database.queue().await;
    let ours = answers::enqueue(404).on(&queue).await.unwrap();
    let theirs = answers::enqueue(503).on(&queue).await.unwrap();
    beside(worker(&queue, &Board::default()), async {
        assert!(ours.wait().await.is_err());
        assert!(theirs.wait().await.is_err());
    })
    .await;
    assert_eq!(queue.attempts(ours.id()).await.unwrap().len(), 1);
    assert_eq!(queue.attempts(theirs.id()).await.unwrap().len(), 2);
}

async fn a_timeout_ends_the_attempt(database: Database) {
    let queue = database.queue().await;
    let board = Board::default();
    let future = sleeps_for_ever::enqueue("f".into()).on(&queue).await.unwrap();
    let thread = ignores_its_timeout::enqueue("t".into()).on(&queue).await.unwrap();
    worker(&queue, &board).drain().run_until(std::future::pending()).await.unwrap();
    assert_eq!(board.read("f"), ["dropped"]);
    assert_eq!(board.read("t"), ["timeout"]);
    for id in [future.id(), thread.id()] {
        let attempt = only_attempt(&queue, id).await;
        assert_eq!((attempt.status, attempt.error_kind), (AttemptStatus::Errored, Some(ErrorKind::Timeout)));
        assert_eq!(attempt.error.as_deref(), Some("ran longer than its timeout of 50ms"));
    }
}

async fn a_running_job_can_be_cancelled(database: Database) {
    let queue = database.queue().await;
    let board = Board::default();
    let polite = waits_for_its_end::enqueue("p".into(), true).on(&queue).await.unwrap();
    let deaf = waits_for_its_end::enqueue("d".into(), false).on(&queue).await.unwrap();
    beside(worker(&queue, &board), async {
        until_true("both run", || async { board.read("p").len() + board.read("d").len() == 2 }).await;
        assert_eq!(queue.cancel_by(polite.id(), "me").await.unwrap(), CancelAnswer::Asked);
        assert_eq!(deaf.cancel().await.unwrap(), CancelAnswer::Asked);
        for handle in [&polite, &deaf] {
            let ended = handle.wait().await;
            assert!(matches!(ended, Err(WaitError::Ended { state: JobState::Cancelled, .. })), "{ended:?}");
        }
    })
    .await;
    assert_eq!(board.read("p"), ["started".to_owned(), CancelReason::Cancelled.to_string()]);
    assert_eq!(only_attempt(&queue, polite.id()).await.status, AttemptStatus::Cancelled);
    assert_eq!(queue.cancel(polite.id()).await.unwrap(), CancelAnswer::Ended(JobState::Cancelled));
}

async fn no_more_run_at_once_than_allowed(database: Database) {
    let queue = database.queue().await;
    counts_itself::enqueue_all((0..20).map(|_| counts_itself {})).on(&queue).await.unwrap();
    counts_itself_plainly::enqueue_all((0..9).map(|_| counts_itself_plainly {})).on(&queue).await.unwrap();
    let gauge = Gauge::default();
    let builder = worker(&queue, &Board::default()).state(gauge.clone()).concurrency(4).threads(3).drain();
    assert_eq!(builder.run_until(std::future::pending()).await.unwrap().succeeded, 29);
    let most = gauge.most.load(Ordering::SeqCst);
    assert!((2..=7).contains(&most), "{most} ran at once");
}

async fn one_job_at_a_time_runs_in_order(database: Database) {
    let queue = database.queue().await;
    let board = Board::default();
    for (n, priority) in [(3, 0), (4, 0), (1, 5), (5, -5), (2, 5)] {
        notes_order::enqueue("k".into(), n).priority(priority).on(&queue).await.unwrap();
    }
    worker(&queue, &board).concurrency(1).drain().run_until(std::future::pending()).await.unwrap();
    assert_eq!(board.read("k"), ["1", "2", "3", "4", "5"]);
}

async fn a_job_knows_itself(database: Database) {
    let queue = database.queue().await;
    let handle = speaks_of_itself::enqueue()
        .metadata(HashMap::from([("tenant", 7)]))
        .retries(3)
        .queue("q")
        .on(&queue)
        .await
        .unwrap();
    drain(&queue).await;
    assert_eq!(handle.wait().await.unwrap(), ["speaks_of_itself", "q", "1", "3", "7", "true"]);
    let attempt = only_attempt(&queue, handle.id()).await;
    assert!(attempt.build.is_some() && attempt.worker_id.is_some() && attempt.started_at.is_some());
}

async fn jobs_enqueue_jobs(database: Database) {
    let queue = database.queue().await;
    enqueues_another::enqueue(10).on(&queue).await.unwrap();
    let total = Total::default();
    let report = worker(&queue, &Board::default()).state(total.clone()).drain().run_until(std::future::pending()).await;
    assert_eq!((report.unwrap().succeeded, total.0.load(Ordering::SeqCst)), (11, 55));
}

async fn outputs_and_errors_that_cannot_be_stored_are_told(database: Database) {
    let queue = database.queue().await;
    let large = returns_too_much::enqueue().on(&queue).await.unwrap().id();
    let nan = returns_nan::enqueue().on(&queue).await.unwrap().id();
    let nul = errs_with_nul::enqueue().on(&queue).await.unwrap().id();
    assert_eq!(drain(&queue).await.dead, 3);
    let error = async |id| only_attempt(&queue, id).await.error.unwrap();
    assert!(error(large).await.contains("the limit is 1048576"));
    assert!(error(nan).await.contains("NaN cannot be stored"));
    let text = error(nul).await;
    assert!(text.starts_with("a\\0bxxx") && text.ends_with("more bytes)") && text.len() < 66_000);
}

async fn a_dead_job_is_retried_by_hand(database: Database) {
    let queue = database.queue().await;
    let id = answers::enqueue(404).on(&queue).await.unwrap().id();
    drain(&queue).await;
    assert_eq!(queue.retry(id).await.unwrap(), RetryAnswer::Ready);
    drain(&queue).await;
    let attempts = queue.attempts(id).await.unwrap();
    assert_eq!(attempts.iter().map(|one| one.attempt).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Dead);
}

async fn no_connection_is_held_while_jobs_run(database: Database) {
    let queue = database.queue_with(Queue::options().pool_size(1)).await;
    let board = Board::default();
    let jobs = (0..40).map(|n| waits_for_its_end { key: format!("k{n}"), listen: true });
    let all = waits_for_its_end::enqueue_all(jobs).on(&queue).await.unwrap();
    beside(worker(&queue, &board).concurrency(50), async {
        let running = || async { (0..40).all(|n| !board.read(&format!("k{n}")).is_empty()).then_some(()) };
        until("all forty run on one connection", running).await;
        for one in &all {
            queue.cancel(one.id()).await.unwrap();
        }
        for one in &all {
            assert!(waits_for_its_end::handle(one.id()).on(&queue).wait().await.is_err());
        }
    })
    .await;
}

async fn rows_that_no_worker_could_read_stop_nothing(database: Database) {
    let queue = database.queue().await;
    for _ in 0..20 {
        fails_until::enqueue(0).on(&queue).await.unwrap();
    }
    // Most of what could not be read is not let in.
    let refused = if database.is_postgres() {
        &["due_at = 'infinity'", "due_at = '-infinity'", "enqueued_at = '-infinity'", "due_at = '280000-01-01'"][..]
    } else {
        &["id = 'seven'", "due_at = 'soon'", "due_at = 9000000000000000000", "priority = 40000", "arguments = x'00'"]
    };
    for change in refused {
        let answer = database.try_execute(&format!("UPDATE {{}}job_requests SET {change}")).await;
        assert!(answer.is_err(), "{change}");
    }
    // The rest is parked where it is met, at the head of the queue.
    let unreadable = if database.is_postgres() { 0 } else { 10 };
    if !database.is_postgres() {
        database.execute("UPDATE {}job_requests SET id = 'no id at all' || substr(id, 13) WHERE seq <= 10").await;
    }
    assert_eq!(drain(&queue).await.succeeded, 20 - unreadable);
    let parked = "SELECT count(*) FROM {}job_requests WHERE state = 'parked' AND note LIKE '%id: %'";
    assert_eq!(database.number(parked).await, i64::try_from(unreadable).unwrap());
    assert_eq!(database.number("SELECT count(*) FROM {}job_processes").await, 0);
}
