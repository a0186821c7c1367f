//! A supervisor and its processes are killed: how long is any of them left?

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use plain_worker_tests::{Database, PATIENCE, Program, until_true};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use crate::jobs::{held, told};
use crate::{crew, evidence};

const PROCESSES: usize = 3;
/// Two a process, so that each has some.
const JOBS: u32 = 6;

/// Who is killed. The supervisor always is, in the end: at once after the others, while it replaces them.
#[derive(Clone, Copy, Debug)]
enum Victims {
    Supervisor,
    OneProcess,
    AllProcesses,
}

pub(crate) async fn drill(database: &Database, times: u32) -> Vec<String> {
    let mut faults = Vec::new();
    let mut round = 0;
    for victims in [Victims::Supervisor, Victims::OneProcess, Victims::AllProcesses] {
        let mut measured = Vec::new();
        for _ in 0..times {
            measured.push(kill(database, victims, round).await);
            round += 1;
        }
        let what = format!("{victims:?}: from the kill to the end of the last process");
        faults.extend(evidence::judge(&what, measured, Duration::from_secs(2), Duration::from_secs(2)));
    }
    // What was left of the jobs is done by others, and nothing is marked failed.
    let _other = crew::worker().started(database).await;
    faults.extend(evidence::faults(database, (round * JOBS) as usize).await);
    faults
}

/// How long it takes until neither the supervisor nor anything that it has started is left.
async fn kill(database: &Database, victims: Victims, round: u32) -> Duration {
    let (queue, journal) = (database.queue().await, database.journal());
    let mut supervisor = supervisor(database, round);
    let numbers = round * JOBS..(round + 1) * JOBS;
    held::enqueue_all(numbers.clone().map(move |n| held { n, round })).on(&queue).await.expect("an enqueue");
    queue.close().await;
    let pids = || -> BTreeSet<i32> {
        let mine = members(round);
        told(&journal)
            .iter()
            .filter(|told| numbers.contains(&told.n))
            .map(|told| told.pid)
            .filter(|pid| mine.contains(pid))
            .collect()
    };
    until_true("all processes run jobs", || async { pids().len() == PROCESSES }).await;
    let processes = pids();
    let killed = Instant::now();
    let first = match victims {
        Victims::Supervisor => 0,
        Victims::OneProcess => 1,
        Victims::AllProcesses => PROCESSES,
    };
    for pid in processes.into_iter().take(first) {
        // It may be gone in this very moment.
        let _ = kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL);
    }
    supervisor.kill();
    while !members(round).is_empty() {
        assert!(killed.elapsed() < PATIENCE, "these are left: {:?}", members(round));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::write(journal.path().with_file_name(format!("over-{round}")), "").expect("our own folder");
    killed.elapsed()
}

/// What the supervisor and all that it starts have in their environment.
const MARK: &str = "DRILL_ROUND";

fn supervisor(database: &Database, round: u32) -> Program {
    let mut command = Command::new(crew::program());
    command.args(["worker", "--processes", &PROCESSES.to_string(), "--concurrency", "2"]);
    command.env("DATABASE_URL", &database.url).env("JOURNAL", database.journal().path());
    command.env(MARK, mark(round)).current_dir(database.folder.path());
    Program::start_command(command)
}

/// Its value, which no other drill has.
fn mark(round: u32) -> String {
    format!("{round} of {}", std::process::id())
}

/// The processes of a round; those that have ended and wait for their parent have no environment any more.
fn members(round: u32) -> BTreeSet<i32> {
    let sought = format!("{MARK}={}", mark(round));
    let processes = std::fs::read_dir("/proc").expect("the system's list of processes");
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == sought.as_bytes())
    })
    .collect()
}
