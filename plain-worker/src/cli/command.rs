//! The grammar: which commands there are, and who may have which.

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches, Subcommand};

use super::app::App;
#[cfg(feature = "dashboard")]
use super::commands::dashboard::Pages;
use super::commands::{
    cancel::Cancel,
    check::Check,
    delete::Delete,
    doctor::Doctor,
    enqueue::Enqueue,
    jobs::Jobs,
    list::List,
    migrate::Migrate,
    pause::{Pause, Pauses, Resume},
    prune::Prune,
    purge::Purge,
    requeue::Requeue,
    retry::Retry,
    run::Run,
    schedules::ScheduleTable,
    show::Show,
    stats::Stats,
    worker::Work,
};
use super::exit::{Failure, Outcome};
use super::settings;

/// The commands, as a clap subcommand to mount in a command line of one's own.
///
/// ```no_run
/// use clap::Parser;
/// use plain_worker::cli::{App, Command};
///
/// #[derive(Parser)]
/// enum Cli {
///     /// Serves the web pages.
///     Serve,
///     /// Background jobs: `my-program jobs worker`.
///     #[command(subcommand)]
///     Jobs(Command),
/// }
///
/// #[tokio::main]
/// async fn main() -> std::process::ExitCode {
///     match Cli::parse() {
///         Cli::Serve => std::process::ExitCode::SUCCESS,
///         Cli::Jobs(command) => command.run(App::new()).await,
///     }
/// }
/// # mod clap { pub use ::clap::*; }
/// ```
///
/// With `#[command(flatten)]` instead the commands stand beside one's own: `my-program worker`.
#[derive(Debug)]
pub struct Command(Verb);

impl Command {
    /// Does it, and gives the exit code; errors are told on stderr.
    ///
    /// A program whose scheduled commands need a guard is started again with the same arguments: it must come here
    /// with them, or call [`guard_commands`](crate::guard_commands) before.
    pub async fn run(self, app: App) -> ExitCode {
        crate::guard_commands();
        ExitCode::from(self.execute(app).await)
    }
}

/// A grammar that can be done.
pub(super) trait Runs: Subcommand {
    /// Does it and gives the exit code.
    fn execute(self, app: App) -> impl Future<Output = u8>;
}

impl Runs for Command {
    async fn execute(self, mut app: App) -> u8 {
        let outcome = self.0.run(&mut app).await;
        code_of(&app, outcome)
    }
}

impl Runs for StandAlone {
    async fn execute(self, mut app: App) -> u8 {
        let outcome = match self {
            Self::Keep(keep) => keep.run(&mut app).await,
            Self::OfAProgram(verb) => Err(verb.refused()),
        };
        code_of(&app, outcome)
    }
}

fn code_of(app: &App, outcome: Outcome) -> u8 {
    match outcome {
        Ok(code) => code as u8,
        Err(failure) => {
            app.tell(&failure);
            failure.code as u8
        }
    }
}

/// All commands. A new one is a file in `commands/`, a variant here or in [`Keep`], and a line in its `run`.
#[derive(Debug, Subcommand)]
enum Verb {
    Worker(Box<Work>),
    Enqueue(Box<Enqueue>),
    Run(Run),
    Jobs(Jobs),
    Check(Check),
    #[command(flatten)]
    Keep(Keep),
}

impl Verb {
    async fn run(self, app: &mut App) -> Outcome {
        match self {
            Self::Worker(command) => command.run(app).await,
            Self::Enqueue(command) => command.run(app).await,
            Self::Run(command) => command.run(app).await,
            Self::Jobs(command) => command.run(),
            Self::Check(command) => command.run(app).await,
            Self::Keep(command) => command.run(app).await,
        }
    }
}

/// The commands that need no job's code: they look after what is in the database.
#[derive(Debug, Subcommand)]
pub(super) enum Keep {
    Stats(Stats),
    List(List),
    Show(Show),
    Retry(Retry),
    Cancel(Cancel),
    Delete(Delete),
    Requeue(Box<Requeue>),
    Purge(Purge),
    Pause(Pause),
    Resume(Resume),
    Pauses(Pauses),
    Prune(Prune),
    Doctor(Doctor),
    Schedules(Box<ScheduleTable>),
    Migrate(Migrate),
    #[cfg(feature = "dashboard")]
    Dashboard(Pages),
}

impl Keep {
    async fn run(self, app: &mut App) -> Outcome {
        match self {
            Self::Stats(command) => command.run(app).await,
            Self::List(command) => command.run(app).await,
            Self::Show(command) => command.run(app).await,
            Self::Retry(command) => command.run(app).await,
            Self::Cancel(command) => command.run(app).await,
            Self::Delete(command) => command.run(app).await,
            Self::Requeue(command) => command.run(app).await,
            Self::Purge(command) => command.run(app).await,
            Self::Pause(command) => command.run(app).await,
            Self::Resume(command) => command.run(app).await,
            Self::Pauses(command) => command.run(app).await,
            Self::Doctor(command) => command.run(app).await,
            Self::Prune(command) => command.run(app).await,
            Self::Schedules(command) => command.run(app).await,
            Self::Migrate(command) => command.run(app).await,
            #[cfg(feature = "dashboard")]
            Self::Dashboard(command) => command.run(app).await,
        }
    }
}

/// The commands of the stand-alone program.
#[derive(Debug, Subcommand)]
pub(super) enum StandAlone {
    #[command(flatten)]
    Keep(Keep),
    #[command(flatten)]
    OfAProgram(OfAProgram),
}

/// Commands that only a program with jobs has; here they say so.
#[derive(Debug, Subcommand)]
pub(super) enum OfAProgram {
    #[command(hide = true)]
    Worker(Anything),
    #[command(hide = true)]
    Enqueue(Anything),
    #[command(hide = true)]
    Run(Anything),
    #[command(hide = true)]
    Jobs(Anything),
    #[command(hide = true)]
    Check(Anything),
}

/// Any arguments at all.
#[derive(Debug, clap::Args)]
pub(super) struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _rest: Vec<std::ffi::OsString>,
}

impl OfAProgram {
    fn refused(&self) -> Failure {
        let name = match self {
            Self::Worker(_) => "worker",
            Self::Enqueue(_) => "enqueue",
            Self::Run(_) => "run",
            Self::Jobs(_) => "jobs",
            Self::Check(_) => "check",
        };
        Failure::wrong(format!(
            "`{name}` needs the code of your jobs, which this program does not have: write \
             `fn main() {{ plain_worker::main() }}` in the program that has them, and call that with `{name}`"
        ))
    }
}

impl FromArgMatches for Command {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Verb::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Subcommand for Command {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        settings::without_empty_variables(Verb::augment_subcommands(command))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        settings::without_empty_variables(Verb::augment_subcommands_for_update(command))
    }

    fn has_subcommand(name: &str) -> bool {
        Verb::has_subcommand(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::supervisor;

    fn grammar<C: Subcommand>() -> clap::Command {
        settings::before_the_command(C::augment_subcommands(clap::Command::new("program"))).subcommand_required(true)
    }

    fn parse(line: &str) -> Result<Command, clap::Error> {
        let matches = grammar::<Command>().try_get_matches_from(line.split_whitespace())?;
        Command::from_arg_matches(&matches)
    }

    #[test]
    fn the_grammar_has_no_clash() {
        grammar::<Command>().debug_assert();
        grammar::<StandAlone>().debug_assert();
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in ["program --schema shop stats --json", "program stats --json --schema shop"] {
            let command = format!("{:?}", parse(line).expect(line));
            assert!(command.contains("schema: Some(\"shop\")"), "{line}: {command}");
        }
    }

    #[test]
    fn wrong_words_are_refused_with_the_nearest() {
        for (line, text) in [
            ("program wroker", "worker"),
            ("program list --limt 3", "--limit"),
            ("program list --state ded", "dead"),
            ("program list --limit=-1", "--limit"),
            ("program enqueue", "NAME"),
            ("program enqueue x {} --delay 5parsecs", "30s, 5m"),
            ("program enqueue x {} --run-at tomorrow", "2026-11-20T12:00:00Z"),
            ("program enqueue x {} --delay 5s --run-at 2026-11-20T12:00:00Z", "cannot be used with"),
            ("program enqueue x {} --priority 40000", "40000"),
            ("program show not-an-id", "not-an-id"),
            ("program retry", "ID"),
            ("program worker --concurrency 0", "--concurrency"),
            ("program stats --embedded --database-url sqlite:x", "cannot be used with"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(text), "{line}: {error}");
        }
    }

    #[test]
    fn every_flag_has_a_variable_by_rule() {
        fn look(command: &clap::Command, path: &str) {
            for argument in command.get_arguments() {
                let Some(flag) = argument.get_long() else { continue };
                // These are read by hand, in an order that clap does not know.
                if ["help", "version", "database-url", "embedded", supervisor::SUPERVISED].contains(&flag) {
                    continue;
                }
                let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
                let flag = flag.to_uppercase().replace('-', "_");
                // Who does it is the same for all that is done to schedules.
                let path = if path.starts_with("SCHEDULES_") && flag == "BY" { "SCHEDULES_" } else { path };
                let own = format!("PLAIN_WORKER_{path}{flag}");
                let shared = format!("PLAIN_WORKER_{flag}");
                let is_shared = path == "WORKER_" || ["SCHEMA", "LOG", "LOG_FORMAT", "JSON"].contains(&flag.as_str());
                let expected = if is_shared { shared } else { own };
                assert_eq!(variable.as_deref(), Some(expected.as_str()), "{path}{flag}");
            }
            for inner in command.get_subcommands() {
                look(inner, &format!("{path}{}_", inner.get_name().to_uppercase().replace('-', "_")));
            }
        }
        look(&grammar::<Command>(), "");
    }
}
