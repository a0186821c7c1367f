//! How many jobs a second: enqueues many at once and drains them with one worker of default settings.
//!
//! `cargo run --release -p examples --bin throughput -- 100000`
//!
//! Uses `DATABASE_URL`, or a throw-away SQLite file; its tables are in a
//! schema (prefix) of their own.

use std::time::Instant;

use plain_worker::{BoxError, Queue, Worker, job};

#[job]
async fn nothing(n: u64) {
    std::hint::black_box(n);
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let jobs: u64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let file = std::env::temp_dir().join(format!("plain-worker-throughput-{}.db", std::process::id()));
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| format!("sqlite:{}", file.display()));
    let queue = Queue::options().schema(format!("throughput_{}", std::process::id())).connect(&url).await?;
    println!("{jobs} jobs on {}", queue.describe());

    let start = Instant::now();
    nothing::enqueue_all((0..jobs).map(|n| nothing { n })).on(&queue).await?;
    println!("enqueued: {:.0} jobs/s", rate(jobs, start));

    let start = Instant::now();
    let report = Worker::builder(queue.clone()).drain().run_until(std::future::pending()).await?;
    println!("drained: {:.0} jobs/s ({} succeeded)", rate(report.succeeded, start), report.succeeded);

    queue.close().await;
    for ending in ["", "-wal", "-shm"] {
        // With Postgres there is no file.
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "a rate to look at")]
fn rate(jobs: u64, since: Instant) -> f64 {
    jobs as f64 / since.elapsed().as_secs_f64()
}
