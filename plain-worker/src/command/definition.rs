//! The jobs that commands are run as, one for each command.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::Command;
use crate::arguments::check_arguments;
use crate::job::{BoxError, JobDef, PayloadError, ScheduleDef, Scope, Started, Unique};
use crate::status::UniqueUntil;

/// What `scheduled_command!` hands to `inventory`.
#[doc(hidden)]
pub struct Registered {
    file: &'static str,
    line: u32,
    command: fn() -> Command,
    schedule: ScheduleDef,
}

inventory::collect!(Registered);

impl Registered {
    /// A command with its schedule, and where they stand.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(file: &'static str, line: u32, command: fn() -> Command, schedule: ScheduleDef) -> Self {
        Self { file, line, command, schedule }
    }
}

/// The schedule of a command; commands have no arguments.
#[doc(hidden)]
pub struct CommandSchedule;

impl CommandSchedule {
    /// What the macro writes.
    #[doc(hidden)]
    #[must_use]
    #[allow(clippy::new_ret_no_self, reason = "it only fills in what is the same for all commands")]
    pub const fn new(expression: &'static str) -> ScheduleDef {
        ScheduleDef::new(expression, no_arguments)
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the arguments of a schedule may fail")]
fn no_arguments() -> Result<String, BoxError> {
    Ok("{}".to_owned())
}

/// A command that the program's own code names, with one of its schedules.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub command: Command,
    pub schedule: ScheduleDef,
    pub file: &'static str,
    pub line: u32,
}

impl Found {
    /// Those that `scheduled_command!` registered.
    pub fn of_program() -> impl Iterator<Item = Self> {
        inventory::iter::<Registered>().map(|found| Self {
            command: (found.command)(),
            schedule: found.schedule,
            file: found.file,
            line: found.line,
        })
    }

    fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// One job for each command, with all its schedules; or what is wrong with them, a line each.
pub(crate) fn definitions(found: impl Iterator<Item = Found>) -> Result<Vec<&'static JobDef>, String> {
    let mut complaints = Vec::new();
    let mut by_name: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for one in found {
        if let Some(wrong) = one.command.wrong() {
            complaints.push(format!("the command at {} cannot run: {wrong}", one.place()));
        } else {
            by_name.entry(one.command.job_name()).or_default().push(one);
        }
    }
    for (name, same) in &mut by_name {
        same.sort_by_key(|one| (one.file, one.line));
        let differ = same.iter().zip(same.iter().skip(1)).find(|(one, next)| one.command != next.command);
        if let Some((first, other)) = differ {
            complaints.push(format!(
                "the command `{name}` is written twice with different settings: {} and {}; give one of them a `name`",
                first.place(),
                other.place()
            ));
        } else if let [first, other, ..] = &same[..]
            && first.command.given_name().is_some()
        {
            complaints.push(format!(
                "the command `{name}` has two schedules: {} and {}; a command with a name has one, so give them different names",
                first.place(),
                other.place()
            ));
        }
    }
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    Ok(by_name.into_iter().filter_map(|(name, same)| interned(name, same)).collect())
}

/// The definition of a command: made once, however many workers a program starts, since it lives for ever.
fn interned(name: String, same: Vec<Found>) -> Option<&'static JobDef> {
    static ALL: Mutex<Vec<(String, &'static JobDef)>> = Mutex::new(Vec::new());
    let schedules: Vec<_> = same.iter().map(|one| one.schedule).collect();
    let first = same.into_iter().next()?;
    let key = format!("{schedules:?}");
    // Nothing is half-done when a thread dies.
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let known = all.iter().find(|(known_key, known)| {
        (known.name, known.file, known.line) == (&*name, first.file, first.line)
            && known.command == Some(&first.command)
            && *known_key == key
    });
    if let Some((_, known)) = known {
        return Some(known);
    }
    let made: &'static JobDef = Box::leak(Box::new(definition(name, first, schedules)));
    all.push((key, made));
    Some(made)
}

fn definition(name: String, Found { command, file, line, .. }: Found, mut schedules: Vec<ScheduleDef>) -> JobDef {
    let command: &'static Command = Box::leak(Box::new(command));
    let mut definition = JobDef::new(String::leak(name), check_arguments::<NoArguments>, start);
    (definition.file, definition.line) = (file, line);
    let options = &command.options;
    definition.options.queue = &options.queue;
    definition.options.priority = options.priority;
    definition.options.retries = options.retries;
    definition.options.backoff = options.backoff;
    definition.options.timeout = options.timeout;
    // One that waits its turn must not be in the way of the one that runs.
    let one_after_another = schedules.iter().any(|schedule| matches!(schedule.overlap, Some("queue" | "allow")));
    let until = if one_after_another { UniqueUntil::Start } else { UniqueUntil::End };
    definition.options.unique = Some(Unique::new(&[], until));
    for schedule in &mut schedules {
        schedule.name = command.given_name();
    }
    definition.schedules = Vec::leak(schedules);
    definition.command = Some(command);
    definition
}

/// What a row of a command must hold: nothing. What is run is told by its name alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

/// A worker runs a command by its own means, and never gets here.
fn start(arguments: &str, _: &Scope) -> Result<Started, PayloadError> {
    check_arguments::<NoArguments>(arguments)?;
    Err(PayloadError::Unreadable("a command is run by a worker only".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(command: impl Into<Command>, line: u32) -> Found {
        Found { command: command.into(), schedule: CommandSchedule::new("0 0 * * *"), file: "main.rs", line }
    }

    #[test]
    fn one_command_is_one_job_with_all_its_schedules() {
        let hourly = Found { schedule: CommandSchedule::new("0 * * * *"), ..found("cmd:true", 9) };
        let jobs = definitions([hourly.clone(), found("cmd:true", 7), found(["true"], 8)].into_iter()).unwrap();
        let names: Vec<_> = jobs.iter().map(|job| (job.name, job.line, job.schedules.len())).collect();
        assert_eq!(names, [("cmd:true", 7, 2), ("exec:true", 8, 1)]);
        let again = definitions([found("cmd:true", 7), hourly].into_iter()).unwrap();
        assert!(std::ptr::eq(again[0], jobs[0]));
    }

    #[test]
    fn a_row_tells_a_command_nothing() {
        let jobs = definitions([found("cmd:true", 7)].into_iter()).unwrap();
        assert!((jobs[0].check)("{}").is_ok());
        assert!((jobs[0].check)(r#"{"line":"rm -rf /"}"#).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let other = Command::shell("true").directory("/tmp");
        let wrong = definitions([found("cmd:true", 7), found(other, 8), found("true", 9)].into_iter());
        assert_eq!(
            wrong.unwrap_err(),
            "the command at main.rs:9 cannot run: `true` is no command: write `cmd:true` for the shell, or a list of \
             the program and its arguments\n\
             the command `cmd:true` is written twice with different settings: main.rs:7 and main.rs:8; give one of \
             them a `name`"
        );
    }
}
