//! The command line: `plain_worker::main()`, and the parts to build one's own.
//!
//! ```no_run
//! # use plain_worker::job;
//! #[job]
//! async fn welcome_user(user_id: i64) {
//!     println!("welcome, user {user_id}!");
//! }
//!
//! fn main() {
//!     plain_worker::main()
//! }
//! ```
//!
//! That program has the commands `worker`, `enqueue welcome_user
//! '{"user_id":7}'`, `list` and more; its `help` names them, and
//! `docs/commands.md` has every flag, environment variable, exit code and JSON
//! shape. Where jobs need values of the application's own, [`App`] gives them;
//! to have the commands beside one's own, mount [`Command`] in a clap parser.
//!
//! Exit codes: 0 it was done; 1 it failed; 2 the input or the configuration is
//! wrong; 128 + the signal's number when a second signal ended a worker at once.

mod app;
mod command;
mod commands;
mod condition;
mod exit;
mod left;
mod lifeline;
mod log;
mod many;
mod output;
mod printed;
mod settings;
mod shapes;
mod signals;
mod supervisor;
mod text;
mod values;

pub use app::App;
pub use command::Command;

/// The command line of a program whose jobs need no values of its own: `fn main() { plain_worker::main() }`.
///
/// Reads the arguments of the process, does what they say and ends the process
/// with the exit code; see [`App`] for jobs that need more, and
/// [`cli`](crate::cli) for the commands.
pub fn main() -> ! {
    App::new().main()
}

/// The `main` of the stand-alone program `plain-worker`: the commands that need no job's code.
#[doc(hidden)]
pub fn stand_alone() -> ! {
    App::new().main_of::<command::StandAlone>()
}
