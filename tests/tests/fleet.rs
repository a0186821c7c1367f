//! Worker processes on one database and a clock that is moved: each slot runs once, whoever is stopped or started, and
//! whatever their own clocks say.
//!
//! The whole year is a command: see `src/bin/timetable`.

use plain_worker_tests::{Database, Simulation, WorkerProgram, faketime, on_every_store};

fn worker() -> WorkerProgram {
    WorkerProgram::new(env!("CARGO_BIN_EXE_timetable")).with("TIMETABLE_WORKER", 1)
}

async fn three_processes_run_each_slot_once(database: Database) {
    Simulation { workers: vec![worker(); 3], hours: 24 * 8, seed: rand::random() }.run(&database).await;
}

on_every_store!(three_processes_run_each_slot_once);

/// One of the workers is five minutes ahead, one five minutes behind.
///
/// On Postgres that changes nothing at all; on SQLite the database's clock is that of the process that asks.
async fn clocks_that_differ_run_no_slot_twice(database: Database) {
    let library = faketime();
    let shifted = |offset| {
        let worker = worker().with("LD_PRELOAD", library.display()).with("FAKETIME", offset);
        // What waits for a span of time is left alone: it has no say in which slot is when.
        worker.with("DONT_FAKE_MONOTONIC", 1).with("FAKETIME_DONT_FAKE_MONOTONIC", 1)
    };
    let workers = vec![worker(), shifted("+300s"), shifted("-300s")];
    Simulation { workers, hours: 24 * 4, seed: rand::random() }.run(&database).await;
}

mod skewed {
    use plain_worker_tests::Database;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs libfaketime: run tests/run"]
    async fn sqlite() {
        super::clocks_that_differ_run_no_slot_twice(Database::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs Postgres and libfaketime: run tests/run"]
    async fn postgres() {
        super::clocks_that_differ_run_no_slot_twice(Database::postgres().await).await;
    }
}
