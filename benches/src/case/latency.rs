//! From the call of an enqueue to the first line of the job, on an idle worker; raw: to the row claimed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use plain_worker::Worker;
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

use super::ours;
use crate::jobs::{STARTED, probe};
use crate::measure::{Contender, Figure, Scale, Unit, in_turn, quantile};
use crate::raw::postgres::Raw;

const CASES: [&str; 2] = ["latency p50", "latency p99"];
/// Between two probes, so that the worker is idle again.
const REST: Duration = Duration::from_millis(3);
/// No probe takes that long.
const PATIENCE: Duration = Duration::from_secs(10);

fn quantiles(samples: &[f64]) -> Vec<f64> {
    vec![quantile(samples, 0.5), quantile(samples, 0.99)]
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

async fn raw_latency(probes: u32) -> anyhow::Result<Vec<f64>> {
    let raw = Raw::create().await?;
    raw.settle().await?;
    let (look, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (taken_at, mut claims) = mpsc::unbounded_channel();
    let claimer = tokio::spawn({
        let (raw, look, stop) = (raw.clone(), Arc::clone(&look), Arc::clone(&stop));
        async move {
            let worker = Uuid::now_v7();
            loop {
                tokio::select! {
                    () = look.notified() => {}
                    () = stop.notified() => return anyhow::Ok(()),
                }
                let taken = raw.claim(worker, 50).await?;
                if !taken.is_empty() {
                    taken_at.send(Instant::now())?;
                    raw.finish(taken.iter().map(|row| row.token).collect()).await?;
                }
            }
        }
    });
    let mut samples = Vec::new();
    for n in 0..probes {
        let called = Instant::now();
        raw.insert(u64::from(n)).await?;
        look.notify_one();
        let at = tokio::time::timeout(PATIENCE, claims.recv()).await?.context("the claimer is gone")?;
        samples.push(milliseconds(at.duration_since(called)));
        tokio::time::sleep(REST).await;
    }
    stop.notify_one();
    claimer.await??;
    raw.pool.close().await;
    Ok(quantiles(&samples))
}

async fn our_latency(probes: u32) -> anyhow::Result<Vec<f64>> {
    let queue = ours().await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(Worker::builder(queue.clone()).run_until(async {
        // Dropped or sent: both end it.
        let _ = stopped.await;
    }));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut samples = Vec::new();
    for n in 0..probes {
        let (started, start) = oneshot::channel();
        if let Ok(mut waiting) = STARTED.lock() {
            *waiting = Some(started);
        }
        let called = Instant::now();
        probe::enqueue(u64::from(n)).on(&queue).await?;
        let at = tokio::time::timeout(PATIENCE, start).await??;
        samples.push(milliseconds(at.duration_since(called)));
        tokio::time::sleep(REST).await;
    }
    drop(stop);
    worker.await??;
    queue.close().await;
    Ok(quantiles(&samples))
}

pub async fn measure(scale: Scale) -> anyhow::Result<Vec<Figure>> {
    let probes = scale.probes;
    let contenders = vec![
        Contender::several(&CASES, "insert to claimed", Unit::Milliseconds, move || raw_latency(probes)),
        Contender::several(&CASES, "plain-worker", Unit::Milliseconds, move || our_latency(probes))
            .aims("insert to claimed", &[1.5, 2.0]),
    ];
    in_turn(scale.rounds, contenders).await
}
