//! A program with jobs of many kinds and states of its own, as the tests of the command line drive it.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use plain_worker::cli::App;
use plain_worker::{BoxError, Context, job, scheduled};
use tracing::Instrument;

/// What the set-up gives to jobs.
#[derive(Clone)]
struct Greeting(String);

/// Welcomes a user.
///
/// Second paragraph.
#[job(retries = 3, queue = "mail", timeout = "30s")]
async fn welcome_user(#[inject] greeting: Greeting, user_id: i64, note: Option<String>) -> String {
    format!("{}, user {user_id}!{}", greeting.0, note.unwrap_or_default())
}

#[job]
async fn fails(text: String) -> Result<(), BoxError> {
    std::fs::read(&text).map(drop).map_err(|error| format!("cannot read {text}: {error}").into())
}

#[job]
async fn panics() {
    panic!("as it must");
}

#[job(unique(id), name = "reindexing", aliases("reindex"))]
async fn reindex(id: i64) {
    let _ = id;
}

/// Makes new year's resolutions.
#[scheduled("0 0 1 1 *")]
fn resolve() {}

/// Enqueues another one on the process-wide queue.
#[job]
async fn enqueues(user_id: i64) -> Result<(), BoxError> {
    welcome_user { user_id, note: None }.run_in_worker().await?;
    Ok(())
}

/// Tells a file that it runs, and waits for another one to appear.
#[job]
async fn waits(log: PathBuf, until: PathBuf, name: String) -> Result<(), BoxError> {
    tell(&log, &format!("{name} started"))?;
    while !until.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tell(&log, &format!("{name} ended"))
}

/// The same as a plain function, which ends when it is told to, unless its name is `deaf`.
#[job]
fn waits_plainly(#[inject] ctx: Context, log: PathBuf, until: PathBuf, name: String) -> Result<(), BoxError> {
    tell(&log, &format!("{name} started"))?;
    while !until.exists() && (name == "deaf" || !ctx.is_cancelled()) {
        std::thread::sleep(Duration::from_millis(20));
    }
    tell(&log, &format!("{name} ended"))
}

/// Says how far it is, then waits for a file to appear.
#[job]
async fn reports(#[inject] ctx: Context, until: PathBuf) {
    ctx.progress(0.4, "page 40 of 100");
    while !until.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Logs in every way; its first attempt fails.
#[job(retries = 1, backoff = fixed("1s"))]
async fn talks(#[inject] ctx: Context) -> Result<(), BoxError> {
    ctx.log(format!("attempt {} begins", ctx.attempt()));
    tracing::info!(page = 7, "by an event");
    tracing::debug!("in detail");
    let spawned =
        tokio::spawn(async { tracing::warn!("by a task of its own") }.instrument(tracing::info_span!("task")));
    spawned.await?;
    if ctx.attempt() == 1 { Err("not at first".into()) } else { Ok(()) }
}

/// Logs that many lines, as a plain function.
#[job]
fn chatters(lines: usize) {
    for line in 0..lines {
        tracing::info!("line {line}");
    }
}

fn tell(log: &PathBuf, line: &str) -> Result<(), BoxError> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    // One call, so that lines of several processes do not mix.
    file.write_all(format!("{line} by {}\n", std::process::id()).as_bytes())?;
    Ok(())
}

fn main() {
    App::new()
        .worker(|worker| worker.grace(Duration::from_secs(20)))
        .setup(|_queue, worker| async move {
            let greeting = std::env::var("GREETING").unwrap_or_else(|_| "welcome".to_owned());
            if greeting.is_empty() {
                return Err("GREETING is empty".into());
            }
            Ok(worker.state(Greeting(greeting)))
        })
        .main()
}
