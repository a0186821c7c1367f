//! The Postgres that is measured: one of its own, durable, which ends with the run.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;

/// Where `tests/run` says what it has started.
const ADDRESS: &str = "PLAIN_WORKER_TEST_POSTGRES";

/// The address of the server, if this run has one.
pub fn address() -> Option<String> {
    std::env::var(ADDRESS).ok()
}

/// The address of the server.
///
/// # Errors
/// When this run has none.
pub fn required() -> anyhow::Result<String> {
    address().context("no Postgres was started for this run")
}

/// Runs this program anew with the same arguments, beside a throw-away Postgres whose commits are durable.
pub fn run_beside_one() -> anyhow::Result<ExitCode> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/run");
    let status = Command::new(&script)
        .args(["--with-postgres", "--durable", "--"])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .status()
        .with_context(|| format!("{} could not be started", script.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
