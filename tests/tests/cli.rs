//! The command line, as real programs on both stores: every command, its JSON, its exit codes, its signals.

#[path = "cli/program.rs"]
mod program;

#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/control.rs"]
mod control;
#[path = "cli/many.rs"]
mod many;
#[path = "cli/schedules.rs"]
mod schedules;
#[path = "cli/telling.rs"]
mod telling;
#[path = "cli/wrong.rs"]
mod wrong;
