//! Dead workers of real processes: whose jobs are rescued, who is blamed, and who is left alone.

#[path = "../src/bin/test_worker/jobs.rs"]
mod jobs;

use std::time::{Duration, Instant};

use plain_worker::{AttemptStatus, JobId, JobState, Queue, RetryAnswer};
use plain_worker_tests::{Database, Program, WorkerProgram, on_every_store, until_true};

fn worker() -> WorkerProgram {
    WorkerProgram::new(env!("CARGO_BIN_EXE_test_worker")).with("CONCURRENCY", 8)
}

on_every_store! {
    a_killed_worker_is_noticed_at_once,
    a_job_that_kills_its_workers_is_put_aside_and_no_other_is_blamed,
    a_job_that_burns_every_thread_is_left_alone,
    a_drain_in_another_process_waits_for_what_a_killed_worker_holds,
    a_restarted_worker_rescues_its_former_self,
}

async fn state(queue: &Queue, id: JobId) -> JobState {
    queue.job(id).await.unwrap().expect("a job that was enqueued exists").state
}

async fn statuses(queue: &Queue, id: JobId) -> Vec<AttemptStatus> {
    queue.attempts(id).await.unwrap().iter().map(|one| one.status).collect()
}

/// With a lease of minutes only the hold can tell.
async fn a_killed_worker_is_noticed_at_once(database: Database) {
    let queue = database.queue().await;
    let patient = worker().with("LEASE_MS", 600_000);
    let ids = jobs::waits::enqueue_all((0..5).map(|n| jobs::waits { n })).on(&queue).await.unwrap();
    let mut first = patient.start(&database);
    let journal = database.journal();
    until_true("all run", || async { journal.count("start") == 5 }).await;
    let _second = patient.started(&database).await;
    first.kill();
    until_true("all run elsewhere", || async { journal.count("start") == 10 }).await;
    for one in ids {
        assert_eq!(statuses(&queue, one.id()).await, [AttemptStatus::Lost]);
    }
    until_true("it is forgotten", || async { database.number("SELECT count(*) FROM {}workers").await == 1 }).await;
    let locks = std::fs::read_dir(database.folder.path()).unwrap().filter_map(Result::ok);
    let locks = locks.filter(|file| file.file_name().to_string_lossy().ends_with(".lock")).count();
    assert_eq!(locks, usize::from(!database.is_postgres()), "and so is its lock file");
}

async fn a_job_that_kills_its_workers_is_put_aside_and_no_other_is_blamed(database: Database) {
    let queue = database.queue().await;
    let killer = jobs::kills::enqueue(1).on(&queue).await.unwrap().id();
    let beside: Vec<_> =
        jobs::step::enqueue_all((10..16).map(|n| jobs::step { n, millis: 1500 })).on(&queue).await.unwrap();
    // As a service manager does it: one that ended is started again.
    let mut one: Program = worker().start(&database);
    let start = Instant::now();
    while state(&queue, killer).await != JobState::Dead {
        assert!(start.elapsed() < plain_worker_tests::PATIENCE, "{:?}", statuses(&queue, killer).await);
        if !one.is_alive() {
            one = worker().start(&database);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(statuses(&queue, killer).await, [AttemptStatus::Lost; 3]);
    let row = queue.job(killer).await.unwrap().unwrap();
    assert!(row.error.unwrap_or_default().contains("its worker died"));
    for one in &beside {
        until_true("those beside it end", || async { state(&queue, one.id()).await == JobState::Succeeded }).await;
    }
    assert!(one.is_alive(), "nothing kills it any more");
    // A person may try again.
    assert_eq!(queue.retry(killer).await.unwrap(), RetryAnswer::Ready);
    until_true("it has killed again", || async { database.journal().count("start 1 ") == 4 }).await;
}

async fn a_job_that_burns_every_thread_is_left_alone(database: Database) {
    let queue = database.queue().await;
    let ids = jobs::burns::enqueue_all((0..4).map(|n| jobs::burns { n, millis: 6_000 })).on(&queue).await.unwrap();
    let burning = worker().with("LEASE_MS", 2_000).start(&database);
    let journal = database.journal();
    until_true("every thread is busy", || async { journal.count("start") >= 2 }).await;
    let _other = worker().with("LEASE_MS", 2_000).with("QUEUES", "none").started(&database).await;
    until_true("all have ended", || async { journal.count("end") == 4 }).await;
    for one in ids {
        until_true("its end is recorded", || async { state(&queue, one.id()).await == JobState::Succeeded }).await;
        assert_eq!(statuses(&queue, one.id()).await, [AttemptStatus::Successful]);
    }
    drop(burning);
}

async fn a_drain_in_another_process_waits_for_what_a_killed_worker_holds(database: Database) {
    let queue = database.queue().await;
    let id = jobs::step::enqueue(1, 1_000).on(&queue).await.unwrap().id();
    let mut first = worker().start(&database);
    until_true("it runs", || async { database.journal().count("start") == 1 }).await;
    first.kill();
    let mut second = worker().with("DRAIN", true).start(&database);
    assert_eq!(second.ended().await, Some(0), "{}", second.output());
    assert_eq!(state(&queue, id).await, JobState::Succeeded);
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost, AttemptStatus::Successful]);
}

async fn a_restarted_worker_rescues_its_former_self(database: Database) {
    let queue = database.queue().await;
    let id = jobs::step::enqueue(1, 2_000).on(&queue).await.unwrap().id();
    let mut first = worker().with("LEASE_MS", 600_000).start(&database);
    until_true("it runs", || async { database.journal().count("start") == 1 }).await;
    first.kill();
    let _second = worker().with("LEASE_MS", 600_000).start(&database);
    until_true("it has ended", || async { state(&queue, id).await == JobState::Succeeded }).await;
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost, AttemptStatus::Successful]);
}
