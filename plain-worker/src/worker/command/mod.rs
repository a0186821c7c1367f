//! Runs commands of the operating system as jobs, each under a guard that outlives a killed worker.
//!
//! The guard is this program started again, or the `plain-worker` binary. It
//! starts the command in a process group of its own and ends the whole group
//! when the worker says so or is gone.

mod guard;
mod guarded;
mod program;
mod protocol;
mod run;
mod settings;
mod tail;

pub use program::guard_commands;
#[cfg(feature = "cli")]
pub(crate) use program::own_program;
pub(super) use program::{GuardProgram, refuse_in_guard};
pub(super) use run::run;
pub(super) use settings::CommandSettings;
