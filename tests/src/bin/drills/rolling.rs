//! A deploy under load: workers are stopped and started anew, one after the other, and no job notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plain_worker::Queue;
use plain_worker_tests::{Database, Program};
use rand::RngExt;
use rustix::process::Signal;

use crate::jobs::takes;
use crate::{crew, evidence};

const WORKERS: u32 = 3;
/// How long it takes until the next job is enqueued.
const PAUSE: Duration = Duration::from_millis(120);

pub(crate) async fn drill(database: &Database, rounds: u32) -> Vec<String> {
    let queue = database.queue().await;
    // The grace period is the default one, which is longer than any of these jobs.
    let worker = crew::worker().with("CONCURRENCY", 30);
    let mut crew: Vec<Program> = Vec::new();
    for _ in 0..WORKERS {
        crew.push(worker.started(database).await);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let enqueueing = tokio::spawn(enqueue_until(queue.clone(), Arc::clone(&stop)));
    let mut faults = Vec::new();
    for round in 0..rounds {
        for member in &mut crew {
            member.signal(Signal::TERM);
            let code = member.ended().await;
            if code != Some(0) || !member.output().contains("clean: true") {
                faults.push(format!("round {round}: a worker did not end cleanly: {code:?}\n{}", member.output()));
            }
            *member = worker.started(database).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let jobs = enqueueing.await.expect("an enqueuer");
    println!("{jobs} jobs during {} restarts", rounds * WORKERS);
    faults.extend(evidence::faults(database, jobs as usize).await);
    faults.extend(evidence::told_twice(database, jobs as usize));
    let odd = "SELECT count(*) FROM {}job_results WHERE status <> 'successful' OR attempt <> 1 OR hand_backs <> 0";
    let odd = database.number(odd).await;
    if odd != 0 {
        faults.push(format!("{odd} attempts were not the first and only one of their job"));
    }
    faults
}

async fn enqueue_until(queue: Queue, stop: Arc<AtomicBool>) -> u32 {
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        let millis = rand::rng().random_range(100..=5_000);
        takes::enqueue(n, millis).on(&queue).await.expect("an enqueue");
        n += 1;
        tokio::time::sleep(PAUSE).await;
    }
    n
}
