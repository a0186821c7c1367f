//! The jobs of the worker programs; tests include this file too, to enqueue them.
#![allow(missing_docs, reason = "they are the tests' own")]
#![allow(dead_code, reason = "each test names some of them")]

use std::time::{Duration, Instant};

use plain_worker::{BoxError, Context, job};
use plain_worker_tests::Journal;

fn note(journal: &Journal, what: &str, n: u32, ctx: &Context) {
    journal.write(format_args!("{what} {n} attempt {} pid {}", ctx.attempt(), std::process::id()));
}

/// Notes its start, waits, notes its end.
#[job]
pub async fn step(n: u32, millis: u64, #[inject] ctx: Context, #[inject] journal: Journal) -> u32 {
    note(&journal, "start", n, &ctx);
    tokio::time::sleep(Duration::from_millis(millis)).await;
    note(&journal, "end", n, &ctx);
    n
}

/// The same as a plain function.
#[job]
pub fn plain_step(n: u32, millis: u64, #[inject] ctx: Context, #[inject] journal: Journal) -> u32 {
    note(&journal, "start", n, &ctx);
    std::thread::sleep(Duration::from_millis(millis));
    note(&journal, "end", n, &ctx);
    n
}

/// At most once.
#[job(on_lost = "fail")]
pub async fn once(n: u32, millis: u64, #[inject] ctx: Context, #[inject] journal: Journal) {
    note(&journal, "start", n, &ctx);
    tokio::time::sleep(Duration::from_millis(millis)).await;
    note(&journal, "end", n, &ctx);
}

/// Waits until it is told to stop, and says why.
#[job]
pub async fn waits(n: u32, #[inject] ctx: Context, #[inject] journal: Journal) -> Result<(), BoxError> {
    note(&journal, "start", n, &ctx);
    ctx.cancelled().await;
    let reason = ctx.cancel_reason().map(|reason| reason.to_string()).unwrap_or_default();
    note(&journal, &format!("told {reason}"), n, &ctx);
    Err("stopped as told".into())
}

/// Kills the process that runs it.
#[job]
pub async fn kills(n: u32, #[inject] ctx: Context, #[inject] journal: Journal) {
    note(&journal, "start", n, &ctx);
    // What was started beside it has its first line written.
    tokio::time::sleep(Duration::from_millis(100)).await;
    std::process::abort();
}

/// Keeps a thread of the runtime busy and never yields.
#[job]
pub async fn burns(n: u32, millis: u64, #[inject] ctx: Context, #[inject] journal: Journal) {
    note(&journal, "start", n, &ctx);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(millis) {
        std::hint::spin_loop();
    }
    note(&journal, "end", n, &ctx);
}
