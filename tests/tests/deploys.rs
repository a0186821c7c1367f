//! Old and new builds side by side: what one cannot run waits unharmed, and delays nothing.

#[path = "../src/bin/test_worker_new/jobs.rs"]
mod new;
#[path = "../src/bin/test_worker_old/jobs.rs"]
mod old;

use plain_worker::{JobState, Queue};
use plain_worker_tests::{Database, WorkerProgram, on_every_store, until_true};

/// How many jobs of each kind stand at the head of the queue.
const FOREIGN: u32 = 1000;
/// How many that both builds know stand behind them.
const KNOWN: u32 = 20;

fn old_build() -> WorkerProgram {
    WorkerProgram::new(env!("CARGO_BIN_EXE_test_worker_old"))
}

fn new_build() -> WorkerProgram {
    WorkerProgram::new(env!("CARGO_BIN_EXE_test_worker_new"))
}

on_every_store! {
    what_only_the_new_build_knows_waits_for_it,
    what_only_the_old_build_knows_waits_for_it,
    both_builds_share_the_work,
}

async fn count(queue: &Queue, state: JobState) -> u64 {
    let filter = plain_worker::JobFilter::new().state(state);
    queue.stats(filter).await.unwrap().iter().map(|line| line.count).sum()
}

/// The known jobs run although the others stand before them; those are parked unharmed.
async fn known_ones_run_and_foreign_ones_are_parked(database: &Database, queue: &Queue) {
    let journal = database.journal();
    until_true("the known jobs have run", || async { journal.count("known") == KNOWN as usize }).await;
    until_true("the foreign ones are parked", || async {
        count(queue, JobState::Parked).await == u64::from(2 * FOREIGN)
    })
    .await;
    assert_eq!(database.number("SELECT max(attempt + failures + losses) FROM {}job_requests").await, 0, "unharmed");
    assert_eq!(database.number("SELECT count(*) FROM {}job_requests WHERE note IS NULL").await, 0, "with a reason");
    assert_eq!(database.number("SELECT count(*) FROM {}job_results").await, i64::from(KNOWN), "without a trace");
}

async fn what_only_the_new_build_knows_waits_for_it(database: Database) {
    let queue = database.queue().await;
    new::newcomer::enqueue_all((0..FOREIGN).map(|n| new::newcomer { n })).on(&queue).await.unwrap();
    let newer = (0..FOREIGN).map(|n| new::reshaped { n, region: "eu".to_owned() });
    new::reshaped::enqueue_all(newer).on(&queue).await.unwrap();
    new::known::enqueue_all((0..KNOWN).map(|n| new::known { n })).on(&queue).await.unwrap();
    let _old = old_build().start(&database);
    known_ones_run_and_foreign_ones_are_parked(&database, &queue).await;
    let _new = new_build().start(&database);
    until_true("the new build has run the rest", || async {
        count(&queue, JobState::Succeeded).await == u64::from(2 * FOREIGN + KNOWN)
    })
    .await;
    assert_eq!(database.journal().count("new shape"), FOREIGN as usize);
    assert_eq!(database.journal().count("newcomer"), FOREIGN as usize);
}

async fn what_only_the_old_build_knows_waits_for_it(database: Database) {
    let queue = database.queue().await;
    old::retired::enqueue_all((0..FOREIGN).map(|n| old::retired { n })).on(&queue).await.unwrap();
    old::reshaped::enqueue_all((0..FOREIGN).map(|n| old::reshaped { n })).on(&queue).await.unwrap();
    old::known::enqueue_all((0..KNOWN).map(|n| old::known { n })).on(&queue).await.unwrap();
    let _new = new_build().start(&database);
    known_ones_run_and_foreign_ones_are_parked(&database, &queue).await;
    let _old = old_build().start(&database);
    until_true("the old build has run the rest", || async {
        count(&queue, JobState::Succeeded).await == u64::from(2 * FOREIGN + KNOWN)
    })
    .await;
    assert_eq!(database.journal().count("old shape"), FOREIGN as usize);
    assert_eq!(database.journal().count("retired"), FOREIGN as usize);
}

/// With both builds alive nothing needs to be parked for long, and each job runs where it can.
async fn both_builds_share_the_work(database: Database) {
    let queue = database.queue().await;
    let _old = old_build().started(&database).await;
    let _new = new_build().started(&database).await;
    for n in 0..30 {
        old::reshaped::enqueue(n).on(&queue).await.unwrap();
        new::reshaped::enqueue(n, "eu".to_owned()).on(&queue).await.unwrap();
        old::retired::enqueue(n).on(&queue).await.unwrap();
        new::newcomer::enqueue(n).on(&queue).await.unwrap();
        new::known::enqueue(n).on(&queue).await.unwrap();
    }
    until_true("all have run", || async { count(&queue, JobState::Succeeded).await == 150 }).await;
    let journal = database.journal();
    for what in ["old shape", "new shape", "retired", "newcomer", "known"] {
        assert_eq!(journal.count(what), 30, "{what}");
    }
    assert_eq!(database.number("SELECT max(attempt) FROM {}job_results").await, 1, "no attempt was used up");
}
