//! What is measured: a file each.

pub mod bulk;
pub mod drain;
pub mod enqueue;
pub mod flat;
pub mod footprint;
pub mod latency;
pub mod real;
pub mod sqlite;

use std::time::{Duration, Instant};

use anyhow::ensure;
use plain_worker::{Queue, Worker};

use crate::jobs::nothing;
use crate::measure::rate;
use crate::server;

/// Empty tables of ours on Postgres.
async fn ours() -> anyhow::Result<Queue> {
    let pool = sqlx::PgPool::connect(&server::required()?).await?;
    sqlx::raw_sql("DROP SCHEMA IF EXISTS bench CASCADE").execute(&pool).await?;
    let queue = Queue::options().schema("bench").connect(&server::required()?).await?;
    sqlx::raw_sql("CHECKPOINT").execute(&pool).await?;
    pool.close().await;
    Ok(queue)
}

/// Enqueues that many jobs that do nothing.
async fn fill(queue: &Queue, count: u32) -> anyhow::Result<()> {
    nothing::enqueue_all((0..u64::from(count)).map(|n| nothing { n })).on(queue).await?;
    Ok(())
}

/// Runs that many jobs with one worker of default settings; jobs a second, from its start until the last is recorded and
/// it has signed off. (A drain would look twice whether a dead worker left something, which takes half a second.)
async fn drained(queue: &Queue, count: u32) -> anyhow::Result<f64> {
    let since = Instant::now();
    let report = Worker::builder(queue.clone()).max_jobs(u64::from(count)).run_until(std::future::pending()).await?;
    let rate = rate(report.succeeded, since);
    ensure!(report.succeeded == u64::from(count), "{count} jobs were enqueued: {report:?}");
    Ok(rate)
}

/// How many calls a second that many tasks get through in that time.
async fn calls<F, Fut>(tasks: usize, span: Duration, call: F) -> anyhow::Result<f64>
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let since = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut done = 0;
                while since.elapsed() < span {
                    call(done).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await??;
    }
    Ok(rate(total, since))
}
