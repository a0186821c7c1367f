//! A worker that runs jobs is killed, again and again: when do its jobs start elsewhere?

use std::time::Duration;

use plain_worker_tests::{Database, Program, until_true};

use crate::jobs::{held, now, told};
use crate::{crew, evidence};

/// How many jobs run in each round, on all workers.
const JOBS: u32 = 6;
const WORKERS: usize = 3;
/// What is promised.
const LONGEST: Duration = Duration::from_secs(2);

pub(crate) async fn drill(database: &Database, kills: u32) -> Vec<String> {
    let (queue, journal) = (database.queue().await, database.journal());
    let worker = crew::worker().with("CONCURRENCY", 4);
    let mut crew: Vec<Program> = Vec::new();
    for _ in 0..WORKERS {
        crew.push(worker.started(database).await);
    }
    evidence::calm(database).await;
    let mut times = Vec::new();
    for round in 0..kills {
        let numbers = round * JOBS..(round + 1) * JOBS;
        let jobs = numbers.clone().map(move |n| held { n, round });
        held::enqueue_all(jobs).on(&queue).await.expect("an enqueue");
        let of_round = |end: bool| {
            let mut told = told(&journal);
            told.retain(|told| told.end == end && numbers.contains(&told.n));
            told
        };
        until_true("all run", || async { of_round(false).len() == JOBS as usize }).await;
        let running = of_round(false);
        let runs = |program: &Program| -> Vec<u32> {
            let pid = program.pid().as_raw_nonzero().get();
            running.iter().filter(|told| told.pid == pid).map(|told| told.n).collect()
        };
        let busiest = (0..crew.len()).max_by_key(|&at| runs(&crew[at]).len()).expect("a worker");
        let mut victim = crew.swap_remove(busiest);
        let lost = runs(&victim);
        let mut late = false;
        let killed = now();
        victim.kill();
        for n in lost {
            let again = || of_round(false).into_iter().find(|told| told.n == n && told.attempt > 1);
            until_true("it starts elsewhere", || async { again().is_some() }).await;
            let micros = again().map_or(0, |told| told.at.saturating_sub(killed));
            let took = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
            times.push(took);
            if took >= LONGEST {
                println!("kill {round}: job {n} started after {took:.2?} only");
                late = true;
            }
        }
        for other in crew.iter().filter(|_| late) {
            println!("what another says, the latest first:");
            other.output().lines().rev().take(20).for_each(|line| println!("  {line}"));
        }
        std::fs::write(journal.path().with_file_name(format!("over-{round}")), "").expect("our own folder");
        until_true("all have ended", || async { of_round(true).len() >= JOBS as usize }).await;
        crew.push(worker.started(database).await);
    }
    let mut faults = evidence::faults(database, (kills * JOBS) as usize).await;
    faults.extend(evidence::told_twice(database, (kills * JOBS) as usize));
    let lost = database.number("SELECT count(*) FROM {}job_results WHERE status = 'lost'").await;
    if usize::try_from(lost) != Ok(times.len()) {
        faults.push(format!("{lost} attempts were lost, {} ran on workers that were killed", times.len()));
    }
    let what = "from the kill to the start elsewhere";
    faults.extend(evidence::judge(what, times, Duration::from_secs(1), LONGEST));
    faults
}
