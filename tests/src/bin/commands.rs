//! A program with scheduled commands: what the tests of them start, and what guards them.
//!
//! `commands worker` runs them under itself, `commands unguarded` has a `main` that forgets the guard.

use std::process::ExitCode;

use plain_worker::{Command, Queue, Worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if mode != "unguarded" {
        plain_worker::guard_commands();
    }
    println!("begins");
    if let Err(error) = work().await {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn work() -> plain_worker::Result<()> {
    let url = std::env::var("DATABASE_URL").unwrap_or_default();
    let queue = Queue::connect(&url).await?;
    let deaf = Command::shell("trap '' TERM; sleep 1000 & echo $! > deaf.pid; wait").name("deaf");
    let polite = Command::shell("echo $$ > polite.pid; sleep 1000").name("polite");
    println!("ready");
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| plain_worker::Error::Setting(error.to_string()))?;
    let worker = Worker::builder(queue).schedule(deaf, "@yearly").schedule(polite, "@yearly");
    let report = worker.run_until(async { terminated.recv().await.unwrap_or_default() }).await?;
    println!("{report:?}");
    Ok(())
}
