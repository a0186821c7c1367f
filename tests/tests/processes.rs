//! Real worker processes that are killed, told to stop and frozen: what the contract says of their jobs.

#[path = "../src/bin/test_worker/jobs.rs"]
mod jobs;

use plain_worker::{AttemptStatus, JobFilter, JobId, JobState, Queue};
use plain_worker_tests::{Database, Program, WorkerProgram, on_every_store, until_true};
use rustix::process::Signal;

fn worker() -> WorkerProgram {
    WorkerProgram::new(env!("CARGO_BIN_EXE_test_worker")).with("CONCURRENCY", 8).with("LEASE_MS", 1000)
}

on_every_store! {
    a_killed_workers_jobs_are_finished_by_another,
    a_stopped_worker_hands_its_jobs_back,
    a_job_that_every_stop_hands_back_is_counted_and_warned_of,
    a_frozen_worker_changes_nothing_when_it_thaws,
    a_second_worker_takes_what_the_first_leaves,
}

async fn state(queue: &Queue, id: JobId) -> JobState {
    queue.job(id).await.unwrap().expect("a job that was enqueued exists").state
}

async fn statuses(queue: &Queue, id: JobId) -> Vec<AttemptStatus> {
    queue.attempts(id).await.unwrap().iter().map(|one| one.status).collect()
}

/// Each job has exactly one end, each run exactly one result, and nothing waits or is held any more.
async fn every_job_has_ended_once(database: &Database, jobs: usize) {
    let zero = async |what: &str, sql: &str| assert_eq!(database.number(sql).await, 0, "{what}");
    zero("runs with two results", "SELECT count(run_token) - count(DISTINCT run_token) FROM {}job_results").await;
    zero("jobs with two ends", "SELECT count(*) - count(DISTINCT id) FROM {}job_results WHERE final").await;
    zero("runs that are held", "SELECT count(*) FROM {}job_processes").await;
    zero("jobs that wait", "SELECT count(*) FROM {}job_requests").await;
    assert_eq!(ends(database).await, jobs, "ends of jobs");
}

async fn ends(database: &Database) -> usize {
    let ends = database.number("SELECT count(*) FROM {}job_results WHERE final").await;
    usize::try_from(ends).expect("a count")
}

async fn a_killed_workers_jobs_are_finished_by_another(database: Database) {
    let queue = database.queue().await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(jobs::step::enqueue(n, 150).on(&queue).await.unwrap().id());
        ids.push(jobs::plain_step::enqueue(100 + n, 150).on(&queue).await.unwrap().id());
        ids.push(jobs::once::enqueue(200 + n, 150).on(&queue).await.unwrap().id());
    }
    let mut first = worker().with("THREADS", 2).start(&database);
    let journal = database.journal();
    until_true("the first is in mid-job", || async { journal.count("start") >= 12 && journal.count("end") >= 3 }).await;
    first.kill();
    let begun = journal.lines();
    let _second = worker().start(&database);
    until_true("all jobs have ended", || async { ends(&database).await == ids.len() }).await;
    every_job_has_ended_once(&database, ids.len()).await;
    let mut lost = 0;
    for (n, id) in ids.iter().enumerate() {
        let number = 100 * (n % 3) + n / 3;
        let was = |what: &str| begun.iter().any(|line| line.starts_with(&format!("{what} {number} ")));
        let attempts = statuses(&queue, *id).await;
        lost += attempts.iter().filter(|status| **status == AttemptStatus::Lost).count();
        let row = queue.job(*id).await.unwrap().unwrap();
        assert_eq!(usize::try_from(row.losses), Ok(attempts.len() - usize::from(row.state == JobState::Succeeded)));
        if number >= 200 && row.state == JobState::Dead {
            assert_eq!(attempts, [AttemptStatus::Lost], "at most once");
            continue;
        }
        assert_eq!(row.state, JobState::Succeeded, "{number}: {attempts:?}");
        assert_eq!(attempts.last(), Some(&AttemptStatus::Successful));
        if number >= 200 {
            assert_eq!(attempts.len(), 1, "at most once");
            assert!(journal.count(&format!("start {number} ")) == 1);
        } else if was("start") && !was("end") {
            assert_eq!(attempts, [AttemptStatus::Lost, AttemptStatus::Successful], "{number}");
        }
    }
    assert!(lost > 0, "the first was killed in mid-job");
}

async fn a_stopped_worker_hands_its_jobs_back(database: Database) {
    let queue = database.queue().await;
    let deaf = jobs::step::enqueue(1, 600_000).on(&queue).await.unwrap().id();
    let polite = jobs::waits::enqueue(2).on(&queue).await.unwrap().id();
    let quick = jobs::step::enqueue(3, 300).on(&queue).await.unwrap().id();
    let mut first = worker().with("GRACE_MS", 1500).start(&database);
    let journal = database.journal();
    until_true("all three run", || async { journal.count("start") == 3 }).await;
    first.signal(Signal::TERM);
    assert_eq!(first.ended().await, Some(0), "{}", first.output());
    assert!(first.output().contains("clean: true"), "{}", first.output());
    assert_eq!(journal.count("told shutdown 2"), 1);
    assert_eq!(state(&queue, quick).await, JobState::Succeeded, "it ended within the grace period");
    for id in [deaf, polite] {
        let row = queue.job(id).await.unwrap().unwrap();
        assert_eq!((row.state, row.attempt, row.failures, row.losses), (JobState::Ready, 0, 0, 0));
        assert_eq!(statuses(&queue, id).await, [AttemptStatus::HandedBack]);
    }
    assert_eq!(database.number("SELECT count(*) FROM {}workers").await, 0, "it has signed off");
    let second = worker().start(&database);
    until_true("both run again", || async {
        journal.count("start 1 attempt 1") == 2 && journal.count("start 2 attempt 1") == 2
    })
    .await;
    drop(second);
}

async fn a_job_that_every_stop_hands_back_is_counted_and_warned_of(database: Database) {
    let queue = database.queue().await;
    let long = jobs::step::enqueue(1, 600_000).on(&queue).await.unwrap().id();
    let journal = database.journal();
    for stop in 1..=3 {
        let mut one = worker().with("GRACE_MS", 0).start(&database);
        until_true("it runs", || async { journal.count("start 1 ") == stop }).await;
        one.signal(Signal::TERM);
        assert_eq!(one.ended().await, Some(0), "{}", one.output());
        let row = queue.job(long).await.unwrap().unwrap();
        assert_eq!((row.state, row.attempt, row.losses), (JobState::Ready, 0, 0));
        assert_eq!(usize::try_from(row.hand_backs), Ok(stop));
        assert_eq!(one.output().contains("handed back again and again"), stop == 3, "{}", one.output());
    }
    let often = JobFilter::new().matching("hand_backs:>=3").unwrap();
    assert_eq!(queue.list(often, None, 10).await.unwrap().len(), 1);
    // It is still counted when it runs.
    let last = worker().started(&database).await;
    until_true("it runs", || async { state(&queue, long).await == JobState::Running }).await;
    assert_eq!(queue.job(long).await.unwrap().unwrap().hand_backs, 3);
    drop(last);
}

/// Stops a process where it is, but not in mid-write: on SQLite it would keep the file from everybody.
async fn freeze(program: &Program, database: &Database) {
    let look = "PRAGMA busy_timeout = 100; BEGIN IMMEDIATE; ROLLBACK";
    until_true("it is frozen between two writes", || async {
        program.signal(Signal::STOP);
        let between = database.is_postgres() || database.try_execute(look).await.is_ok();
        if !between {
            program.signal(Signal::CONT);
        }
        between
    })
    .await;
}

async fn a_frozen_worker_changes_nothing_when_it_thaws(database: Database) {
    let queue = database.queue().await;
    let id = jobs::step::enqueue(1, 4000).on(&queue).await.unwrap().id();
    let frozen = worker().start(&database);
    let journal = database.journal();
    until_true("it runs", || async { journal.count("start 1 attempt 1") == 1 }).await;
    freeze(&frozen, &database).await;
    let mut other = worker().start(&database);
    until_true("another has run it", || async { state(&queue, id).await == JobState::Succeeded }).await;
    let ended = queue.attempts(id).await.unwrap();
    frozen.signal(Signal::CONT);
    frozen.prints("taken over").await;
    until_true("its end is told", || async { journal.count("end 1 attempt 2") == 1 }).await;
    let now = queue.attempts(id).await.unwrap();
    assert_eq!(format!("{now:?}"), format!("{ended:?}"), "its late end changes nothing");
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost, AttemptStatus::Successful]);
    every_job_has_ended_once(&database, 1).await;
    other.signal(Signal::TERM);
    other.ended().await;
    let next = jobs::step::enqueue(2, 1).on(&queue).await.unwrap().id();
    until_true("it goes on", || async { state(&queue, next).await == JobState::Succeeded }).await;
    assert!(journal.lines().contains(&format!("end 2 attempt 1 pid {}", frozen.pid().as_raw_nonzero())));
}

/// Many workers start at once on an empty database, and one is killed the moment it holds jobs: all jobs end once.
async fn a_second_worker_takes_what_the_first_leaves(database: Database) {
    let mut crew: Vec<_> = (0..4).map(|_| worker().start(&database)).collect();
    for one in &crew {
        one.prints("worker started").await;
    }
    let queue = database.queue().await;
    let ids = jobs::step::enqueue_all((0..60).map(|n| jobs::step { n, millis: 100 })).on(&queue).await.unwrap();
    let journal = database.journal();
    for victim in crew.drain(..3) {
        let mine = format!("pid {}", victim.pid().as_raw_nonzero());
        let mut victim = victim;
        let holds = || async { journal.lines().iter().any(|line| line.ends_with(&mine)) };
        let over = || async { ends(&database).await == 60 };
        until_true("it holds a job, or all is done", || async { holds().await || over().await }).await;
        victim.kill();
    }
    until_true("all jobs have ended", || async { ends(&database).await == 60 }).await;
    every_job_has_ended_once(&database, 60).await;
    for one in ids {
        assert_eq!(state(&queue, one.id()).await, JobState::Succeeded);
    }
}
