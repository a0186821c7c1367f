//! How fast plain-worker is, as ratios to raw loops that run in turn with it, in one run.
//!
//! `cargo run -p benches --release -- all` starts a Postgres of its own and
//! prints the table; `docs/performance.md` says how to read it.

mod case;
mod jobs;
mod measure;
mod picture;
mod raw;
mod report;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::measure::Scale;

/// Measures plain-worker against raw loops, in turn (A B A B), and prints the ratios.
#[derive(Debug, Parser)]
#[command(name = "benches")]
struct Arguments {
    /// What to measure.
    #[arg(required = true)]
    cases: Vec<Case>,
    /// Fewer rounds of fewer jobs: all of it in about two minutes.
    #[arg(long)]
    quick: bool,
    /// Writes the figures there, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the rate of a drain against the backlog there, after some more drains.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Case {
    /// Jobs a second through a worker, Postgres.
    Drain,
    /// Single enqueues a second, Postgres.
    Enqueue,
    /// Rows a second of `enqueue_all`, Postgres.
    Bulk,
    /// From the call of an enqueue to the first line of the job, Postgres.
    Latency,
    /// Enqueues and drains on SQLite.
    Sqlite,
    /// A drain beside a backlog of each kind, Postgres.
    Flat,
    /// Jobs that wait for others, and plain functions on all cores, Postgres.
    Real,
    /// Memory at full drain; statements and processor time of an idle worker, Postgres.
    Footprint,
    /// All of them.
    All,
}

impl Case {
    const EACH: [Self; 8] =
        [Self::Drain, Self::Enqueue, Self::Bulk, Self::Latency, Self::Sqlite, Self::Flat, Self::Real, Self::Footprint];
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    if case::footprint::be_worker().await? {
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = Arguments::parse();
    let all = arguments.cases.contains(&Case::All);
    let cases: Vec<_> = Case::EACH.into_iter().filter(|case| all || arguments.cases.contains(case)).collect();
    if (arguments.svg.is_some() || cases.iter().any(|case| *case != Case::Sqlite)) && server::address().is_none() {
        return server::run_beside_one();
    }
    let scale = if arguments.quick { Scale::QUICK } else { Scale::FULL };
    let mut figures = Vec::new();
    for case in cases {
        eprintln!("measuring: {case:?}");
        figures.extend(match case {
            Case::Drain => case::drain::measure(scale).await?,
            Case::Enqueue => case::enqueue::measure(scale).await?,
            Case::Bulk => case::bulk::measure(scale).await?,
            Case::Latency => case::latency::measure(scale).await?,
            Case::Sqlite => case::sqlite::measure(scale).await?,
            Case::Flat => case::flat::measure(scale).await?,
            Case::Real => case::real::measure(scale).await?,
            Case::Footprint => case::footprint::measure(scale).await?,
            Case::All => Vec::new(),
        });
    }
    println!("{}", report::table(&figures));
    if let Some(file) = arguments.json {
        std::fs::write(&file, report::json(&figures)?)?;
    }
    if let Some(file) = arguments.svg {
        std::fs::write(&file, picture::of(&case::flat::by_backlog(scale).await?))?;
    }
    Ok(ExitCode::SUCCESS)
}
