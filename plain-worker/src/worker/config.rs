//! What a worker is, for all its parts, and the check of it at the start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::command::GuardProgram;
use super::hooks::Hooks;
use super::life;
use super::middleware::Layers;
use super::scheduler::Timetable;
use crate::error::{Error, Result};
use crate::job::States;
use crate::record::WorkerRow;
use crate::registry::Registry;
use crate::retention::Retention;
use crate::telling::JobLogs;

/// What a worker is, for all its parts.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) id: Uuid,
    pub(super) build: String,
    /// The queues that it serves; all when `None`.
    pub(super) queues: Option<Vec<String>>,
    /// Those of them that have slots of their own, and how many.
    pub(super) own_slots: BTreeMap<String, usize>,
    /// Names (aliases too) with their shapes.
    pub(super) knows: BTreeMap<String, String>,
    pub(super) registry: Registry,
    pub(super) states: Arc<States>,
    /// What runs its commands; none if it has none.
    pub(super) guard: Option<GuardProgram>,
    pub(super) concurrency: usize,
    pub(super) threads: usize,
    pub(super) lease: Duration,
    /// The address for the session that shows that it lives, where that of the queue is a pooler's.
    pub(super) direct_database_url: Option<String>,
    /// Whether the process ends with it.
    pub(super) process_ends: bool,
    pub(super) retention: Retention,
    /// How often a line of figures is logged, if at all.
    pub(super) stats_every: Option<Duration>,
    /// The schedules of its code.
    pub(super) timetable: Timetable,
    /// How old a missed slot may be, for schedules that do not say it.
    pub(super) catch_up_window: Duration,
    /// Which log lines of its runs are kept.
    pub(super) job_logs: JobLogs,
    pub(super) layers: Layers,
    pub(super) hooks: Hooks,
}

impl Config {
    /// How many jobs run at once at most.
    pub(super) fn slots(&self) -> usize {
        self.concurrency + self.threads + self.own_slots.values().sum::<usize>()
    }

    pub(super) fn row(&self) -> WorkerRow {
        WorkerRow {
            id: self.id,
            host: life::host(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: self.build.clone(),
            queues: self.queues.clone(),
            knows: self.knows.clone(),
            schedules: self.timetable.fingerprints(),
            concurrency: u32::try_from(self.slots()).unwrap_or(u32::MAX),
            lease: self.lease,
        }
    }
}

/// Every injected parameter of every job must have its value, now and not at the first run.
pub(super) fn check(registry: &Registry, states: &States) -> Result<()> {
    if registry.jobs().is_empty() {
        return Err(Error::Worker(
            "this program has no jobs: write `#[job]` above a function; jobs of another crate are only linked when \
             something of it is named, for example by `use your_crate as _;`"
                .to_owned(),
        ));
    }
    let mut missing = Vec::new();
    for job in registry.jobs() {
        for parameter in job.injected {
            if let Err(error) = (parameter.check)(states) {
                missing.push(format!("job `{}` ({}) needs `{parameter:?}`: {error}", job.name, job.place()));
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::Worker(missing.join("\n"))) }
}
