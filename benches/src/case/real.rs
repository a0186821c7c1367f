//! Jobs that do something: that wait for others, and that keep a core busy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use plain_worker::Worker;
use tokio::sync::Semaphore;

use super::ours;
use crate::jobs::{churn, rest, spin};
use crate::measure::{Contender, Figure, Scale, Unit, in_turn, rate};

const WAITING: &str = "jobs that wait 50 ms, 1,000 at once";
const BUSY: &str = "plain functions on all cores";
const SLOTS: usize = 1_000;
const WAITS: u64 = 10_000;

async fn raw_waits() -> anyhow::Result<f64> {
    let slots = Arc::new(Semaphore::new(SLOTS));
    let since = Instant::now();
    let tasks: Vec<_> = (0..WAITS)
        .map(|_| {
            let slots = Arc::clone(&slots);
            tokio::spawn(async move {
                let _slot = slots.acquire_owned().await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    Ok(rate(WAITS, since))
}

async fn our_waits() -> anyhow::Result<f64> {
    let queue = ours().await?;
    rest::enqueue_all((0..WAITS).map(|_| rest {})).on(&queue).await?;
    let since = Instant::now();
    let report =
        Worker::builder(queue.clone()).concurrency(SLOTS).max_jobs(WAITS).run_until(std::future::pending()).await?;
    let rate = rate(report.succeeded, since);
    ensure!(report.succeeded == WAITS, "{report:?}");
    queue.close().await;
    Ok(rate)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn raw_busy(count: u64) -> anyhow::Result<f64> {
    let since = Instant::now();
    let left = std::sync::atomic::AtomicU64::new(count);
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                let less = |left: u64| left.checked_sub(1);
                let order = std::sync::atomic::Ordering::Relaxed;
                while left.fetch_update(order, order, less).is_ok() {
                    churn();
                }
            });
        }
    });
    Ok(rate(count, since))
}

async fn our_busy(count: u64) -> anyhow::Result<f64> {
    let queue = ours().await?;
    spin::enqueue_all((0..count).map(|_| spin {})).on(&queue).await?;
    let since = Instant::now();
    let report = Worker::builder(queue.clone()).max_jobs(count).run_until(std::future::pending()).await?;
    let rate = rate(report.succeeded, since);
    ensure!(report.succeeded == count, "{report:?}");
    queue.close().await;
    Ok(rate)
}

pub async fn measure(scale: Scale) -> anyhow::Result<Vec<Figure>> {
    let count = u64::from(scale.jobs / 100);
    let waits = vec![
        Contender::new(WAITING, "bare tasks", Unit::Rate, raw_waits),
        Contender::new(WAITING, "plain-worker", Unit::Rate, our_waits).aims("bare tasks", &[1.0 / 1.2]),
    ];
    let mut figures = in_turn(scale.rounds, waits).await?;
    let busy = vec![
        // Nothing else is to run meanwhile: that it keeps a thread of the runtime harms nobody.
        Contender::new(BUSY, "bare threads", Unit::Rate, move || std::future::ready(raw_busy(count))),
        Contender::new(BUSY, "plain-worker", Unit::Rate, move || our_busy(count)).aims("bare threads", &[0.95]),
    ];
    figures.extend(in_turn(scale.rounds, busy).await?);
    Ok(figures)
}
