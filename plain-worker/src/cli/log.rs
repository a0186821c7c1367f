//! The log: tracing-subscriber on stderr, installed by commands only.

use std::io::{IsTerminal, Write};

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::prelude::*;

use super::exit::Failure;
use super::printed::Printed;
use super::settings::note;
use crate::telling::JobLogs;

/// How much is logged unless the user says otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    /// What a worker does.
    Info,
    /// What needs care.
    Warn,
}

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line for people.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub(super) struct Log {
    /// What is logged, as in RUST_LOG: `info`, `plain_worker=debug,warn`; `info` by default where jobs run, else `warn`
    #[arg(long, value_name = "FILTER", env = "PLAIN_WORKER_LOG")]
    log: Option<String>,
    /// How the log looks
    #[arg(long, value_name = "FORMAT", env = "PLAIN_WORKER_LOG_FORMAT", default_value = "pretty")]
    log_format: Format,
}

impl Log {
    /// Sends the events of tracing to stderr, unless the program has a subscriber of its own.
    pub(super) fn install(&self, level: Level) -> Result<(), Failure> {
        self.install_keeping(level, JobLogs::off())
    }

    /// As [`install`](Self::install); lines of jobs go to those as well.
    pub(super) fn install_keeping(&self, level: Level, kept: JobLogs) -> Result<(), Failure> {
        let default = match level {
            Level::Info => LevelFilter::INFO,
            Level::Warn => LevelFilter::WARN,
        };
        let builder = EnvFilter::builder().with_default_directive(default.into());
        let filter = match &self.log {
            Some(text) => EnvFilter::try_new(text).map_err(|error| {
                Failure::wrong(format!(
                    "`{text}` says not what to log ({error}): write for example `info` or `plain_worker=debug,warn`"
                ))
            })?,
            None => builder.from_env_lossy(),
        };
        let events = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            // Its own complaint about a closed stderr would be a panic.
            .log_internal_errors(false);
        let layer = match self.log_format {
            Format::Pretty => events.boxed(),
            Format::Json => events.json().boxed(),
        };
        let most = kept.most().map_or(LevelFilter::OFF, LevelFilter::from_level);
        let jobs = kept.most().map(|_| crate::logs::layer());
        // One that the program has installed itself is kept.
        let _ = tracing_subscriber::registry().with(Printed { filter, kept: most, layer }).with(jobs).try_init();
        Ok(())
    }

    /// One line about what is being done, whatever the filter says, in the log's format.
    pub(super) fn note(&self, text: &str) {
        match self.log_format {
            Format::Pretty => note(text),
            Format::Json => {
                let line = serde_json::json!({
                    "timestamp": chrono::Utc::now(),
                    "level": "INFO",
                    "fields": { "message": text },
                    "target": "plain_worker::cli",
                });
                // stderr may be closed.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }
}
