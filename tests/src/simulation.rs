//! A fleet on simulated time: worker processes on one database, whose clock the simulation moves.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use plain_worker::{NewSchedule, Overlap, Queue};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::Signal;

use crate::{Database, PATIENCE, Program, WorkerProgram};

/// Longer than any simulation: jumps of the clock make nobody look dead, and nothing is forgotten.
const YEARS: u64 = 10;
/// The most that a worker's own clock may differ from the simulation's.
const SKEW: TimeDelta = TimeDelta::minutes(6);

/// Hours that pass over a fleet whose workers are stopped and started at random.
#[derive(Debug)]
pub struct Simulation {
    /// The worker programs; each is one process, when it runs. They must have a job `slot_run`.
    pub workers: Vec<WorkerProgram>,
    /// How many hours pass.
    pub hours: u32,
    /// What happens when.
    pub seed: u64,
}

/// What the database says of the runs of a schedule.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many runs there are.
    pub runs: i64,
    /// How many different slots they have.
    pub slots: i64,
    /// How many slots lie between the first and the last of them, both counted.
    pub span: i64,
}

impl Simulation {
    /// Lets the hours pass; an hourly schedule must have exactly one run for each of its slots.
    ///
    /// The workers are stopped, killed and started at random, sometimes all of them at once; what is missed then is
    /// caught up.
    ///
    /// # Panics
    /// When a slot is missing or was run twice.
    pub async fn run(&self, database: &Database) {
        println!("seed {}", self.seed);
        let mut rng = StdRng::seed_from_u64(self.seed);
        let queue = database.queue_with_movable_clock().await;
        let lease = YEARS * 365 * 24 * 60 * 60 * 1_000;
        let prepare = |worker: &WorkerProgram| {
            worker.clone().with("LEASE_MS", lease).with("RETAIN_DAYS", YEARS * 365).with("MOVABLE_CLOCK", true)
        };
        let workers: Vec<_> = self.workers.iter().map(prepare).collect();
        let mut fleet: Vec<Option<Program>> = Vec::new();
        for worker in &workers {
            fleet.push(Some(worker.started(database).await));
        }
        let hourly = plain_worker::schedule::Schedule::parse("0 * * * *").expect("an expression");
        let new = NewSchedule::by_name("hourly", hourly, "slot_run").catch_up(plain_worker::CatchUp::All);
        queue.schedules().add(new.overlap(Overlap::Allow)).await.expect("a job of the workers");
        let mut now = Utc::now();
        let first = now;
        for hour in 0..self.hours {
            for (worker, process) in workers.iter().zip(&mut fleet) {
                match process {
                    Some(running) if rng.random_bool(0.04) => {
                        running.signal(Signal::TERM);
                        running.ended().await;
                        *process = None;
                    }
                    Some(running) if rng.random_bool(0.04) => {
                        running.kill();
                        *process = None;
                    }
                    // It starts in the midst of things.
                    None if rng.random_bool(0.2) => *process = Some(worker.start(database)),
                    _ => {}
                }
            }
            queue.move_clock(Duration::from_secs(60 * 60)).await.expect("a movable clock");
            now += TimeDelta::hours(1);
            // Now and then the next hour comes before the slot of this one was taken.
            if fleet.iter().any(Option::is_some) && rng.random_bool(0.8) {
                settled(&queue, now - SKEW, hour).await;
            }
        }
        drop(fleet);
        let last = workers[0].started(database).await;
        settled(&queue, now - SKEW, self.hours).await;
        drop(last);
        let counted = count(database, "hourly", 60 * 60).await;
        let expected = (now - first).num_hours();
        assert_eq!((counted.runs, counted.slots), (counted.span, counted.span), "seed {}", self.seed);
        // An hour more or less, by where in an hour it began, and by the clocks of the workers.
        assert!((expected - 1..=expected + 1).contains(&counted.runs), "{counted:?} of {expected}, seed {}", self.seed);
        println!("{counted:?}");
    }
}

/// Waits until every slot up to then is settled.
async fn settled(queue: &Queue, until: DateTime<Utc>, hour: u32) {
    let start = Instant::now();
    loop {
        let row = queue.schedules().get("hourly").await.expect("the schedule");
        let next = row.schedule().expect("an expression").next_after(row.settled_at);
        if next.is_none_or(|next| next > until) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "hour {hour}: the slots up to {until} are not settled: {row:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Counts the runs of a schedule whose slots lie so many seconds apart.
///
/// # Panics
/// When the database does not answer.
pub async fn count(database: &Database, schedule: &str, apart: i64) -> Counted {
    let of = |what: &str| format!("SELECT {what} FROM {{}}jobs WHERE source = 'schedule {schedule}'");
    let seconds = if database.is_postgres() { "extract(epoch FROM slot)" } else { "slot / 1000000" };
    let span = database.number(&of(&format!("(max({seconds}) - min({seconds})) / {apart} + 1"))).await;
    Counted {
        runs: database.number(&of("count(*)")).await,
        slots: database.number(&of("count(DISTINCT slot)")).await,
        span,
    }
}

/// The library that shifts the clock of a process.
///
/// # Panics
/// When it is not installed: `tests/run` does that.
#[must_use]
pub fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    folders
        .chain([PathBuf::from("/usr/lib")])
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
        .expect("libfaketime is not installed: run these tests with tests/run, or apt-get install faketime")
}
