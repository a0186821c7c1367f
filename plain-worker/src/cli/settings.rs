//! What all commands take: the database, and the log.

use std::io::Write;

use clap::Args;

use super::app::App;
use super::exit::Failure;
use super::log::{Level, Log};
use crate::error::Error;
use crate::queue::{Queue, database_url};
use crate::store::without_password;

/// What a command needs of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    /// They are created if they are missing.
    Create,
    /// They must be there: a command that only looks leaves no tables in a database named by mistake.
    Require,
    /// They stay as they are.
    Leave,
}

/// The database and the log, for every command that opens the former.
#[derive(Clone, Debug, Args)]
pub(super) struct Settings {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    pub(super) log: Log,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
struct Database {
    /// The database: `sqlite:FILE` or `postgres://user:password@host/database` [env: PLAIN_WORKER_DATABASE_URL, else
    /// DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Use the embedded SQLite file plain-worker.db in the working directory, which debug builds use by themselves
    /// [env: PLAIN_WORKER_EMBEDDED]
    #[arg(long, conflicts_with = "database_url")]
    embedded: bool,
    /// The schema (Postgres) or table prefix (SQLite); plain_worker by default
    #[arg(long, value_name = "NAME", env = "PLAIN_WORKER_SCHEMA")]
    schema: Option<String>,
}

impl Settings {
    /// Installs the log, says which database is used, and opens it.
    pub(super) async fn open(&self, app: &App, tables: Tables, level: Level) -> Result<Queue, Failure> {
        self.log.install(level)?;
        let Database { database_url: given, embedded, schema } = &self.database;
        if *embedded && given.is_some() {
            return Err(Failure::wrong("`--embedded` and `--database-url` both name a database: leave one out"));
        }
        let Some((url, origin)) = database_url(given.as_deref(), *embedded) else {
            return Err(Failure::wrong(
                "no database is named: set DATABASE_URL or --database-url (for example `sqlite:jobs.db` or \
                 `postgres://localhost/app`), or take the embedded file with --embedded; a release build takes no \
                 file by itself, so that a forgotten variable never writes jobs to a disk that goes away",
            ));
        };
        let mut options = app.queue_options();
        if let Some(schema) = schema {
            options = options.schema(schema);
        }
        let namespace = options.namespace()?;
        self.log.note(&format!("using {}, {origin} (tables in `{namespace}`)", without_password(&url)));
        let queue = options.open(&url).await.map_err(could_not_open)?;
        match tables {
            Tables::Create => queue.prepare().await?,
            Tables::Require => queue.require().await?,
            Tables::Leave => {}
        }
        Ok(queue)
    }
}

/// A database that refuses to be opened at all is one that was named wrongly.
fn could_not_open(error: Error) -> Failure {
    match error {
        Error::Database { source, .. } => Failure::wrong(format!(
            "the database cannot be opened: {source}; look at --database-url, PLAIN_WORKER_DATABASE_URL and DATABASE_URL"
        )),
        other => other.into(),
    }
}

/// Writes a line about what is being done to stderr, which may be closed.
pub(super) fn note(text: &str) {
    // There is nobody else to tell.
    let _ = writeln!(std::io::stderr(), "plain-worker: {text}");
}

/// Lets the settings stand before the command, too.
pub(super) fn before_the_command(command: clap::Command) -> clap::Command {
    let command = Settings::augment_args(command).mut_args(|argument| argument.global(true));
    without_empty_variables(command.about("Durable background jobs").long_about(None))
}

/// An environment variable that is set to nothing counts as not set, as in most programs.
pub(super) fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let empty = argument.get_env().is_some_and(|name| {
                name.to_string_lossy().starts_with("PLAIN_WORKER_")
                    && std::env::var_os(name).is_some_and(|value| value.is_empty())
            });
            if empty { argument.env(None) } else { argument }
        })
        .mut_subcommands(without_empty_variables)
}
