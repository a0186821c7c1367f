//! What a worker's builder says of commands.

use std::panic::Location;
use std::path::PathBuf;

use super::program::GuardProgram;
use crate::command::{Command, CommandSchedule, Found};
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::schedule::Schedule;

/// The commands of a worker's builder, in the making.
#[derive(Debug, Default)]
pub(in crate::worker) struct CommandSettings {
    found: Vec<Found>,
    /// The first thing that is wrong with them; it surfaces when the worker starts.
    wrong: Option<String>,
    guard: Option<PathBuf>,
    without: bool,
}

impl CommandSettings {
    pub(in crate::worker) fn schedule(
        &mut self,
        command: Command,
        when: Result<Schedule, String>,
        place: &'static Location<'static>,
    ) {
        match when {
            Ok(when) => {
                let mut schedule = CommandSchedule::new(String::leak(when.expression().to_owned()));
                schedule.zone = when.has_zone().then(|| when.zone().name());
                self.found.push(Found { command, schedule, file: place.file(), line: place.line() });
            }
            Err(reason) => {
                self.wrong.get_or_insert_with(|| {
                    let (name, file, line) = (command.job_name(), place.file(), place.line());
                    format!("the schedule of the command `{name}` at {file}:{line} cannot be read: {reason}")
                });
            }
        }
    }

    pub(in crate::worker) fn guard(&mut self, program: PathBuf) {
        self.guard = Some(program);
    }

    pub(in crate::worker) fn without(&mut self) {
        self.without = true;
    }

    /// The jobs of the worker, its commands among them.
    pub(in crate::worker) fn registry(&mut self) -> Result<Registry> {
        match self.wrong.take() {
            Some(wrong) => Err(Error::Worker(wrong)),
            None if self.without => Registry::without_commands(),
            None => Registry::with_commands(std::mem::take(&mut self.found)),
        }
    }

    /// The guard of its commands, seen to work; none for a worker without commands.
    pub(in crate::worker) async fn guard_for(self, registry: &Registry) -> Result<Option<GuardProgram>> {
        if registry.jobs().iter().all(|job| job.command.is_none()) {
            return Ok(None);
        }
        let program = GuardProgram::find(self.guard)?;
        program.probe().await?;
        Ok(Some(program))
    }
}
