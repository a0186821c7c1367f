//! Drills: processes are killed and restarted under load, and it is measured how long the others take.
//!
//! They are no part of `tests/run`, since what they measure means something on a quiet machine only.

mod crew;
mod evidence;
mod jobs;
mod kills;
mod orphans;
mod rolling;

use std::process::ExitCode;
use std::time::Instant;

use plain_worker::cli::App;
use plain_worker_tests::{Database, run_worker};

const HELP: &str = "\
Drills on real worker processes.

  cargo run -p plain-worker-tests --bin drills -- kills sqlite [100]
      kills a worker that runs jobs, so many times; how long until the jobs start elsewhere
  cargo run -p plain-worker-tests --bin drills -- rolling sqlite [10]
      restarts 3 workers, one after the other, so many times, under jobs of 0.1 to 5 s
  cargo run -p plain-worker-tests --bin drills -- orphans sqlite [10]
      kills a supervisor, one and all of its processes, so many times each; how long until none is left

On Postgres: tests/run --with-postgres -- cargo run -p plain-worker-tests --bin drills -- kills postgres

The exit code is 1 when something took too long, or a job was lost, failed or ended twice.";

fn main() -> ExitCode {
    if std::env::var_os("DRILL_WORKER").is_some() {
        run_worker();
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |at: usize| arguments.get(at).map_or("", String::as_str);
    if text(0) == "worker" {
        // What the supervisor under drill is, and what its processes are.
        App::new().setup(|_queue, worker| async move { Ok(worker.state(jobs::journal()?)) }).main();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if !["kills", "rolling", "orphans"].contains(&text(0)) || !["sqlite", "postgres"].contains(&text(1)) {
            println!("{HELP}");
            return if text(0).contains("help") { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
        let database = if text(1) == "sqlite" { Database::sqlite() } else { Database::postgres().await };
        let times = text(2).parse().ok();
        println!("load {}", evidence::load());
        let begun = Instant::now();
        let faults = match text(0) {
            "kills" => kills::drill(&database, times.unwrap_or(100)).await,
            "rolling" => rolling::drill(&database, times.unwrap_or(10)).await,
            _ => orphans::drill(&database, times.unwrap_or(10)).await,
        };
        println!("{} on {} took {:?}, load {}", text(0), text(1), begun.elapsed(), evidence::load());
        for fault in &faults {
            println!("FAULT: {fault}");
        }
        if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}
