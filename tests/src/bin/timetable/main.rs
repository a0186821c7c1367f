//! A simulated year of schedules, by command:
//!
//! ```text
//! cargo run -p plain-worker-tests --bin timetable -- hours sqlite            8,760 hourly slots, three processes
//! cargo run -p plain-worker-tests --bin timetable -- minutes sqlite          525,600 slots, one process
//! tests/run --with-postgres -- cargo run -p plain-worker-tests --bin timetable -- hours postgres
//! ```
//!
//! A third argument is the seed, a fourth the number of days. The test `fleet` starts this program, too: with
//! `TIMETABLE_WORKER` set it is one of the workers.

use std::time::{Duration, Instant};

use plain_worker::schedule::Schedule;
use plain_worker::{CatchUp, NewSchedule, Overlap, Queue, Worker, job};
use plain_worker_tests::{Database, Journal, Simulation, WorkerProgram, count, retain, run_worker};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What schedules run here.
#[job]
async fn slot_run() {}

fn main() {
    if std::env::var_os("TIMETABLE_WORKER").is_some() {
        run_worker();
        return;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |at: usize| arguments.get(at).map_or("", String::as_str);
    let seed = text(2).parse().unwrap_or_else(|_| rand::random());
    let days = text(3).parse().unwrap_or(365);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let database = match text(1) {
            "sqlite" => Database::sqlite(),
            "postgres" => Database::postgres().await,
            other => panic!("`{other}` is no store: write sqlite or postgres"),
        };
        let begun = Instant::now();
        match text(0) {
            "hours" => hours(&database, seed, days).await,
            "minutes" => minutes(&database, seed, days).await,
            other => panic!("`{other}` is nothing to simulate: write hours or minutes"),
        }
        println!("{days} days in {:?}", begun.elapsed());
    });
}

async fn hours(database: &Database, seed: u64, days: u32) {
    let program = std::env::current_exe().expect("this program");
    let program: &'static str = String::leak(program.display().to_string());
    let worker = WorkerProgram::new(program).with("TIMETABLE_WORKER", 1);
    Simulation { workers: vec![worker; 3], hours: days * 24, seed }.run(database).await;
}

/// Some minutes at a time, so that slots come alone and together.
async fn minutes(database: &Database, seed: u64, days: u32) {
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let queue = database.queue_with_movable_clock().await;
    let schedule = Schedule::parse("* * * * *").expect("an expression");
    let new = NewSchedule::new("minutely", schedule, slot_run {}).catch_up(CatchUp::All).overlap(Overlap::Allow);
    queue.schedules().add(new).await.expect("a new schedule");
    let year = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    let worker =
        Worker::builder(queue.clone()).state(Journal::at(database.folder.path())).lease(year).retention(retain(3_650));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or_default() }));
    let total = i64::from(days) * 24 * 60;
    let mut passed = 0;
    while passed < total {
        let some = rng.random_range(1..=60).min(total - passed);
        passed += some;
        queue.move_clock(Duration::from_secs(60 * u64::try_from(some).unwrap_or(1))).await.expect("a movable clock");
        settle(&queue).await;
    }
    stop.send(()).expect("it runs");
    running.await.expect("it ends").expect("a worker");
    let counted = count(database, "minutely", 60).await;
    println!("{counted:?}");
    assert_eq!((counted.runs, counted.slots), (counted.span, counted.span));
    assert!((total - 1..=total + total / 1_000 + 60).contains(&counted.runs), "{counted:?} of {total}");
}

/// Waits until the slots up to now are settled.
async fn settle(queue: &Queue) {
    let begun = Instant::now();
    loop {
        let row = queue.schedules().get("minutely").await.expect("the schedule");
        if row.waiting.is_empty() && row.schedule().expect("an expression").next_after(row.settled_at) > Some(row.now) {
            return;
        }
        assert!(begun.elapsed() < plain_worker_tests::PATIENCE, "not settled: {row:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
