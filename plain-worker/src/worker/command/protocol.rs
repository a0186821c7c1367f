//! What a worker and a guard say to each other, over the socket that is the guard's standard input.
//!
//! The guard says which protocol it speaks, the worker sends its order, the
//! guard answers with its report at the end: a line each. In between the
//! worker may send single bytes that say how the command is to end. When the
//! worker's side closes, the command ends as well.

use serde::{Deserialize, Serialize};

use crate::command::CommandOutput;

/// The guard's first line; its number grows with each change of what follows.
pub(super) const HELLO: &str = "plain-worker guard 1\n";

/// Ends the command: SIGTERM, then its own time, then SIGKILL.
pub(super) const STOP: u8 = b's';
/// Ends the command at once: SIGTERM, a moment, SIGKILL.
pub(super) const HURRY: u8 = b'k';

/// What a guard is to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// The program and its arguments.
    pub argv: Vec<String>,
    pub directory: Option<String>,
    /// The variables of the guard's own environment that it passes on; all when `None`.
    pub keep: Option<Vec<String>>,
    pub set: Vec<(String, String)>,
    /// The time between SIGTERM and SIGKILL.
    pub stop_after_ms: u64,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// It could not be started, for that reason.
    NotStarted(String),
    /// It has ended, and so has all of its group.
    Ended {
        output: CommandOutput,
        /// Whether the guard had sent it a signal by then.
        stopped: bool,
    },
}
