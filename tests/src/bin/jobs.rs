//! A program with jobs of many kinds and states of its own, as the tests of the command line drive it.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use plain_worker::cli::App;
use plain_worker::{BoxError, Context, job, scheduled};

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
