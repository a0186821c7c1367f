//! `worker --processes N`: processes that die are replaced, none outlives its supervisor, no job is lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plain_worker::{JobFilter, JobState, Queue};
use plain_worker_tests::{Database, Program, on_every_store, until, until_true};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;
use tokio::process::Command;

on_every_store! {
    a_supervisor_that_is_killed_leaves_no_orphan,
    a_process_that_is_killed_is_replaced_and_harms_only_its_own_jobs,
    all_processes_killed_at_once_are_replaced,
    a_signal_stops_all_cleanly,
    a_second_signal_stops_all_at_once,
    a_process_is_replaced_after_its_share_of_jobs,
    a_wrong_configuration_ends_the_supervisor,
}

/// A fleet under test: jobs that wait for a file, and the log in which they tell that they run.
struct Scene {
    database: Database,
    queue: Queue,
    log: PathBuf,
    go: PathBuf,
}

impl Scene {
    async fn new(database: Database) -> Self {
        let (log, go) = (database.folder.path().join("log"), database.folder.path().join("go"));
        let queue = database.queue().await;
        Self { database, queue, log, go }
    }

    /// Enqueues so many jobs that wait until `go` exists.
    async fn enqueue(&self, count: usize) {
        for n in 0..count {
            let arguments = json!({ "log": self.log, "until": self.go, "name": n.to_string() }).to_string();
            self.call(&["enqueue", "waits", &arguments]).await;
        }
    }

    fn command(&self, line: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
        command.args(line).env("DATABASE_URL", &self.database.url).current_dir(self.database.folder.path());
        command
    }

    async fn call(&self, line: &[&str]) {
        let mut program = Program::start_command(self.command(line));
        assert_eq!(program.ended().await, Some(0), "{line:?}: {}", program.output());
    }

    /// Starts a supervisor; a job a process at a time, so that all processes get some.
    fn supervisor(&self, line: &[&str]) -> Program {
        Program::start_command(self.command(&[&["worker", "--concurrency", "2", "--lease", "2s"], line].concat()))
    }

    /// The processes that have told that they run a job.
    fn pids(&self) -> BTreeSet<i32> {
        lines(&self.log).iter().filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect()
    }

    async fn count(&self, state: JobState) -> u64 {
        let lines = self.queue.stats(JobFilter::new().state(state)).await.unwrap_or_default();
        lines.iter().map(|line| line.count).sum()
    }

    /// Lets the jobs end, and waits until so many have succeeded; none is dead.
    async fn all_succeed(&self, jobs: u64) {
        std::fs::write(&self.go, "").expect("a file in the test's folder");
        until_true("all jobs have succeeded", || async {
            assert_eq!(self.count(JobState::Dead).await, 0, "no job is marked failed");
            self.count(JobState::Succeeded).await == jobs
        })
        .await;
    }

    /// Waits until that many jobs run, in that many processes.
    async fn running(&self, jobs: u64, processes: usize) -> BTreeSet<i32> {
        until("the jobs run in all processes", || async {
            let pids = self.pids();
            (self.count(JobState::Running).await == jobs && pids.len() >= processes).then_some(pids)
        })
        .await
    }
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).expect("a pid")
}

/// Whether the process is gone, or dead and not yet waited for.
fn is_gone(number: i32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    let dead = state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
    dead || test_kill_process(pid(number)).is_err()
}

async fn all_gone(pids: &BTreeSet<i32>) {
    until_true("no process is left", || async { pids.iter().all(|pid| is_gone(*pid)) }).await;
}

async fn a_supervisor_that_is_killed_leaves_no_orphan(database: Database) {
    let scene = Scene::new(database).await;
    scene.enqueue(6).await;
    let mut supervisor = scene.supervisor(&["--processes", "3"]);
    let pids = scene.running(6, 3).await;
    supervisor.kill();
    all_gone(&pids).await;
    // Other workers do what was left.
    let mut next = scene.supervisor(&["--processes", "2"]);
    scene.all_succeed(6).await;
    next.signal(Signal::TERM);
    assert_eq!(next.ended().await, Some(0), "{}", next.output());
}

async fn a_process_that_is_killed_is_replaced_and_harms_only_its_own_jobs(database: Database) {
    let scene = Scene::new(database).await;
    scene.enqueue(6).await;
    let mut supervisor = scene.supervisor(&["--processes", "3"]);
    let pids = scene.running(6, 3).await;
    let victim = *pids.first().expect("a process");
    kill_process(pid(victim), Signal::KILL).expect("our own process");
    until_true("a new process runs its jobs", || async { scene.pids().len() > pids.len() }).await;
    scene.all_succeed(6).await;
    for job in scene.queue.list(JobFilter::new(), None, 10).await.expect("a list") {
        let attempts = scene.queue.attempts(job.id).await.expect("attempts");
        assert_eq!(attempts.len() - 1, usize::try_from(job.losses).expect("a count"), "{attempts:?}");
    }
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.ended().await, Some(0), "{}", supervisor.output());
    all_gone(&scene.pids()).await;
}

async fn all_processes_killed_at_once_are_replaced(database: Database) {
    let scene = Scene::new(database).await;
    scene.enqueue(6).await;
    let mut supervisor = scene.supervisor(&["--processes", "3"]);
    let pids = scene.running(6, 3).await;
    for victim in &pids {
        kill_process(pid(*victim), Signal::KILL).expect("our own process");
    }
    all_gone(&pids).await;
    scene.all_succeed(6).await;
    assert!(supervisor.is_alive());
    supervisor.signal(Signal::INT);
    assert_eq!(supervisor.ended().await, Some(0), "{}", supervisor.output());
    all_gone(&scene.pids()).await;
}

async fn a_signal_stops_all_cleanly(database: Database) {
    let scene = Scene::new(database).await;
    scene.enqueue(4).await;
    let mut supervisor = scene.supervisor(&["--processes", "2", "--grace", "0s"]);
    let pids = scene.running(4, 2).await;
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.ended().await, Some(0), "{}", supervisor.output());
    all_gone(&pids).await;
    // What ran was handed back: nothing is failed, lost or held.
    assert_eq!(scene.count(JobState::Ready).await, 4);
    for job in scene.queue.list(JobFilter::new(), None, 10).await.expect("a list") {
        assert_eq!((job.failures, job.losses), (0, 0));
    }
}

async fn a_second_signal_stops_all_at_once(database: Database) {
    let scene = Scene::new(database).await;
    scene.enqueue(4).await;
    let mut supervisor = scene.supervisor(&["--processes", "2", "--grace", "1h"]);
    let pids = scene.running(4, 2).await;
    supervisor.signal(Signal::TERM);
    supervisor.prints("SIGTERM: stopping").await;
    supervisor.signal(Signal::TERM);
    assert_eq!(supervisor.ended().await, Some(143), "{}", supervisor.output());
    all_gone(&pids).await;
}

async fn a_process_is_replaced_after_its_share_of_jobs(database: Database) {
    let scene = Scene::new(database).await;
    std::fs::write(&scene.go, "").expect("a file in the test's folder");
    scene.enqueue(20).await;
    let mut supervisor = scene.supervisor(&["--processes", "2", "--max-jobs-per-process", "3", "--drain"]);
    assert_eq!(supervisor.ended().await, Some(0), "{}", supervisor.output());
    assert_eq!(scene.count(JobState::Succeeded).await, 20);
    assert_eq!(lines(&scene.log).iter().filter(|line| line.contains("started")).count(), 20, "each ran once");
    assert!(scene.pids().len() >= 4, "{:?}", scene.pids());
}

async fn a_wrong_configuration_ends_the_supervisor(database: Database) {
    let scene = Scene::new(database).await;
    let mut supervisor = scene.supervisor(&["--processes", "2", "--schema", "No Such"]);
    assert_eq!(supervisor.ended().await, Some(2), "{}", supervisor.output());
    assert!(supervisor.output().contains("No Such"), "{}", supervisor.output());
}
