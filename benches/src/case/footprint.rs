//! What a worker takes: memory at full drain, and statements and processor time while it has nothing to do.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use plain_worker::{Queue, Worker};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::process::Command;

use super::{fill, ours};
use crate::measure::{Contender, Figure, Scale, Unit, in_turn};
use crate::server;

/// What makes this program a worker that is measured from outside: `drain`, or how many seconds it is idle.
const ROLE: &str = "PLAIN_WORKER_BENCH_ROLE";
/// The database that it works on.
const URL: &str = "PLAIN_WORKER_BENCH_URL";
const IDLE: u64 = 10;
/// How long the server may keep what it counts to itself.
const STATISTICS: Duration = Duration::from_secs(2);

/// If this process was started as such a worker: works, and prints what it took.
///
/// # Errors
/// When the worker fails.
pub async fn be_worker() -> anyhow::Result<bool> {
    let Ok(role) = std::env::var(ROLE) else { return Ok(false) };
    let queue = Queue::options().schema("bench").connect(&std::env::var(URL)?).await?;
    let worker = Worker::builder(queue);
    if role == "drain" {
        worker.drain().run_until(std::future::pending()).await?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        println!("{}", peak.trim().trim_end_matches("kB").trim());
    } else {
        worker.run_until(tokio::time::sleep(Duration::from_secs(role.parse()?))).await?;
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let times = stat.rsplit(')').next().context("stat")?.split_whitespace().skip(11).take(2);
        // In hundredths of a second, by all threads, for programs and in the kernel.
        println!("{}", times.map(str::parse::<u64>).sum::<Result<u64, _>>()?);
    }
    Ok(true)
}

/// Runs a worker in a process of its own; gives what it prints.
pub async fn worker(role: &str, url: &str) -> anyhow::Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(ROLE, role).env(URL, url).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await?;
    ensure!(output.status.success(), "the worker failed");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Megabytes at the peak.
async fn memory(jobs: u32) -> anyhow::Result<f64> {
    let queue = ours().await?;
    fill(&queue, jobs).await?;
    let peak = worker("drain", &server::required()?).await? / 1_024.0;
    queue.close().await;
    Ok(peak)
}

/// Transactions that the server has counted; each statement of an idle worker is one.
async fn transactions() -> anyhow::Result<f64> {
    tokio::time::sleep(STATISTICS).await;
    let mut connection = PgConnection::connect(&server::required()?).await?;
    let sql = "SELECT (xact_commit + xact_rollback)::float8 FROM pg_stat_database WHERE datname = current_database()";
    let count = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(count)
}

/// Statements a second, and the share of one core.
async fn idle() -> anyhow::Result<Vec<f64>> {
    let queue = ours().await?;
    queue.close().await;
    let before = transactions().await?;
    let url = server::required()?;
    let short = worker("1", &url).await?;
    let between = transactions().await?;
    let long = worker(&(IDLE + 1).to_string(), &url).await?;
    let after = transactions().await?;
    #[allow(clippy::cast_precision_loss, reason = "a number of seconds")]
    let span = IDLE as f64;
    // Its start and its end take the same in both.
    Ok(vec![((after - between) - (between - before)) / span, (long - short) / span])
}

pub async fn measure(scale: Scale) -> anyhow::Result<Vec<Figure>> {
    let jobs = scale.jobs;
    let figures = vec![
        Contender::new("memory at full drain", "plain-worker", Unit::Megabytes, move || memory(jobs)).most(&[30.0]),
        Contender::several(
            &["idle worker, statements", "idle worker, processor"],
            "plain-worker",
            Unit::PerSecond,
            idle,
        )
        .units(&[Unit::PerSecond, Unit::Percent])
        .most(&[6.0, 1.0]),
    ];
    in_turn(scale.rounds, figures).await
}
