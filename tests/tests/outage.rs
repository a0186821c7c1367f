//! Postgres that is cut off, stalls, stops and crashes under worker processes: nothing is lost, nothing runs for ever.

#[path = "../src/bin/test_worker/jobs.rs"]
mod jobs;

use plain_worker::{AttemptStatus, JobId, JobState, Queue};
use plain_worker_tests::{Database, PATIENCE, Proxy, Server, WorkerProgram, until_true};
use rustix::process::Signal;
use std::time::{Duration, Instant};

fn worker() -> WorkerProgram {
    WorkerProgram::new(env!("CARGO_BIN_EXE_test_worker")).with("CONCURRENCY", 8)
}

async fn state(queue: &Queue, id: JobId) -> JobState {
    queue.job(id).await.unwrap().expect("a job that was enqueued exists").state
}

async fn statuses(queue: &Queue, id: JobId) -> Vec<AttemptStatus> {
    queue.attempts(id).await.unwrap().iter().map(|one| one.status).collect()
}

async fn ends(database: &Database) -> i64 {
    database.number("SELECT count(*) FROM {}job_results WHERE final").await
}

/// Each job has exactly one end, each run exactly one result, and nothing waits or is held any more.
async fn every_job_has_succeeded_once(database: &Database, jobs: i64) {
    until_true("all jobs have ended", || async { ends(database).await >= jobs }).await;
    let zero = async |what: &str, sql: &str| assert_eq!(database.number(sql).await, 0, "{what}");
    zero("runs with two results", "SELECT count(run_token) - count(DISTINCT run_token) FROM {}job_results").await;
    zero("jobs with two ends", "SELECT count(*) - count(DISTINCT id) FROM {}job_results WHERE final").await;
    zero("jobs that failed", "SELECT count(*) FROM {}job_results WHERE final AND state <> 'succeeded'").await;
    zero("runs that are held", "SELECT count(*) FROM {}job_processes").await;
    zero("jobs that wait", "SELECT count(*) FROM {}job_requests").await;
    assert_eq!(ends(database).await, jobs);
}

/// A worker whose connections are lost for a moment, again and again, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn lost_connections_are_made_anew() {
    let database = Database::postgres().await;
    let queue = database.queue().await;
    let (proxy, url) = Proxy::before(&database).await;
    let program = worker().start_at(&database, &url);
    program.prints("worker started").await;
    jobs::step::enqueue_all((0..100).map(|n| jobs::step { n, millis: 100 })).on(&queue).await.unwrap();
    let start = Instant::now();
    while ends(&database).await < 100 {
        assert!(start.elapsed() < PATIENCE, "{}", program.output());
        proxy.drop_connections();
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    every_job_has_succeeded_once(&database, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn a_worker_that_is_cut_off_gives_its_jobs_up_and_goes_on_later() {
    let database = Database::postgres().await;
    let queue = database.queue().await;
    let (proxy, url) = Proxy::before(&database).await;
    let id = jobs::waits::enqueue(1).on(&queue).await.unwrap().id();
    let cut = worker().start_at(&database, &url);
    let journal = database.journal();
    until_true("it runs", || async { journal.count("start 1 attempt 1") == 1 }).await;
    let mut other = worker().started(&database).await;
    proxy.cut();
    until_true("its job is told", || async { journal.count("told cut_off 1 attempt 1") == 1 }).await;
    until_true("another starts it", || async { journal.count("start 1 attempt 2") == 1 }).await;
    proxy.heal();
    cut.prints("the database is back").await;
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost], "what it found out late changes nothing");
    other.signal(Signal::TERM);
    other.ended().await;
    let next = jobs::step::enqueue(2, 1).on(&queue).await.unwrap().id();
    until_true("it goes on", || async { state(&queue, next).await == JobState::Succeeded }).await;
    assert!(journal.lines().contains(&format!("end 2 attempt 1 pid {}", cut.pid().as_raw_nonzero())));
}

/// The connections stay open and nothing passes: the silence itself is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn a_silent_connection_is_given_up() {
    let database = Database::postgres().await;
    let queue = database.queue().await;
    let (proxy, url) = Proxy::before(&database).await;
    let id = jobs::waits::enqueue(1).on(&queue).await.unwrap().id();
    let stalled = worker().with("LEASE_MS", 15_000).start_at(&database, &url);
    let journal = database.journal();
    until_true("it runs", || async { journal.count("start 1 attempt 1") == 1 }).await;
    let mut other = worker().started(&database).await;
    proxy.stall();
    until_true("its job is told", || async { journal.count("told cut_off 1 attempt 1") == 1 }).await;
    assert_eq!(journal.count("start 1 attempt 2"), 0, "nobody else has started it by then");
    until_true("another starts it", || async { journal.count("start 1 attempt 2") == 1 }).await;
    proxy.heal();
    stalled.prints("the database is back").await;
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost]);
    other.signal(Signal::TERM);
    other.ended().await;
    let next = jobs::step::enqueue(2, 1).on(&queue).await.unwrap().id();
    until_true("it goes on", || async { state(&queue, next).await == JobState::Succeeded }).await;
}

/// The machine is gone from the network: the worker hears nothing, the server closes the session in the end. With a lease
/// of minutes only the session tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn a_machine_that_vanished_gives_its_jobs_up_before_others_start_them() {
    let database = Database::postgres().await;
    let queue = database.queue().await;
    let (proxy, url) = Proxy::before(&database).await;
    let polite = jobs::waits::enqueue(1).on(&queue).await.unwrap().id();
    let deaf = jobs::step::enqueue(2, 600_000).on(&queue).await.unwrap().id();
    let gone = worker().with("LEASE_MS", 600_000).start_at(&database, &url);
    let journal = database.journal();
    until_true("both run", || async { journal.count("start") == 2 }).await;
    let _other = worker().with("LEASE_MS", 600_000).started(&database).await;
    proxy.stall();
    until_true("its job is told", || async { journal.count("told cut_off 1 attempt 1") == 1 }).await;
    assert_eq!(journal.count("start 1 attempt 2") + journal.count("start 2 attempt 2"), 0, "nobody else has by then");
    proxy.vanish();
    until_true("another starts both", || async {
        journal.count("start 1 attempt 2") == 1 && journal.count("start 2 attempt 2") == 1
    })
    .await;
    // The machine comes back.
    proxy.heal();
    proxy.drop_connections();
    gone.prints("the database is back").await;
    for id in [polite, deaf] {
        assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost], "what it says late changes nothing");
    }
    let next = jobs::step::enqueue(3, 1).on(&queue).await.unwrap().id();
    until_true("work goes on", || async { state(&queue, next).await == JobState::Succeeded }).await;
    assert_eq!(journal.count("end 2"), 0, "the job that heard nothing was dropped");
}

/// What ended while the server was away is recorded when it is back; nothing is run a second time.
async fn the_server_goes_and_comes_back(crash: bool) {
    let mut server = Server::start().await;
    let database = server.database();
    let queue = database.queue().await;
    let running = jobs::step::enqueue_all((0..6).map(|n| jobs::step { n, millis: 2_500 })).on(&queue).await.unwrap();
    jobs::step::enqueue_all((10..40).map(|n| jobs::step { n, millis: 50 })).on(&queue).await.unwrap();
    let program = worker().with("CONCURRENCY", 6).start(&database);
    let journal = database.journal();
    until_true("six run", || async { journal.count("start") == 6 }).await;
    if crash {
        server.kill().await;
    } else {
        server.stop().await;
    }
    until_true("they end meanwhile", || async { journal.count("end") == 6 }).await;
    program.prints("trying again").await;
    server.start_again().await;
    every_job_has_succeeded_once(&database, 36).await;
    for one in running {
        let statuses = statuses(&queue, one.id()).await;
        assert_eq!(statuses, [AttemptStatus::Successful], "it was not run a second time");
    }
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn a_server_that_is_restarted_is_waited_for() {
    the_server_goes_and_comes_back(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn a_server_that_crashed_is_waited_for() {
    the_server_goes_and_comes_back(true).await;
}

/// Whatever answer of the server is lost with its connection, an enqueue is stored once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn an_enqueue_whose_answer_is_lost_is_stored_once() {
    let database = Database::postgres().await;
    let direct = database.queue().await;
    let (proxy, url) = Proxy::before(&database).await;
    let queue = Queue::options().pool_size(1).connect(&url).await.unwrap();
    for nth in 1..=10 {
        proxy.lose_answer(nth as usize);
        jobs::step::enqueue(nth, 1).on(&queue).await.unwrap();
        jobs::step::enqueue(100 + nth, 1).unique_key(format!("k{nth}")).on(&queue).await.unwrap();
        let many = (0..3).map(move |n| jobs::step { n: 1_000 + 10 * nth + n, millis: 1 });
        // Told apart from a failure: a set has no second try of its own.
        let bulk = jobs::step::enqueue_all(many).on(&queue).await;
        if let Err(error) = bulk {
            assert!(error.is_transient() || matches!(error, plain_worker::Error::Unknown { .. }), "{error}");
        }
    }
    proxy.lose_answer(0);
    let single = "SELECT count(*) FROM {}job_requests WHERE CAST(arguments ->> 'n' AS bigint) < 1000";
    assert_eq!(database.number(single).await, 20);
    assert_eq!(database.number("SELECT count(*) - count(DISTINCT id) FROM {}job_requests").await, 0);
    let sets = "SELECT count(*) FROM (SELECT CAST(arguments ->> 'n' AS bigint) / 10 FROM {}job_requests \
                WHERE CAST(arguments ->> 'n' AS bigint) >= 1000 GROUP BY 1 HAVING count(*) <> 3) part";
    assert_eq!(database.number(sets).await, 0, "a set is stored whole or not at all");
    direct.close().await;
}

/// Answers to claims, ends and heartbeats are lost at random: each job still ends once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn a_worker_whose_answers_are_lost_loses_nothing() {
    let database = Database::postgres().await;
    let queue = database.queue().await;
    let (proxy, url) = Proxy::before(&database).await;
    jobs::step::enqueue_all((0..200).map(|n| jobs::step { n, millis: 20 })).on(&queue).await.unwrap();
    let program = worker().start_at(&database, &url);
    program.prints("worker started").await;
    let start = Instant::now();
    for nth in (1..=7).cycle() {
        if ends(&database).await >= 200 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{}", program.output());
        proxy.lose_answer(nth);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    every_job_has_succeeded_once(&database, 200).await;
}
