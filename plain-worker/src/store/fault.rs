//! The database client's errors in our words.

use sqlx::error::ErrorKind;

use crate::error::Error;

/// What stands for the user's program in errors; its command line puts the real name there.
#[cfg(feature = "cli")]
pub(crate) const YOUR_PROGRAM: &str = "your-program";
/// What to do about missing tables.
pub(super) const CREATE_TABLES: &str = "your-program migrate";

/// What to do about a pooler that loses prepared statements.
const FORGETFUL: &str = "prepared statements are lost where a pooler works by transactions and does not keep them: give it \
     `max_prepared_statements` above 0 (pgbouncer 1.21 or newer), or name the server's own address";

/// Gives errors of sqlx the name of what was being done, and says whether trying again is worth it.
pub(super) fn while_trying(doing: &'static str, database: &str) -> impl Fn(sqlx::Error) -> Error + use<> {
    let database = database.to_owned();
    move |error| classify(error, doing, &database)
}

fn classify(error: sqlx::Error, doing: &'static str, database: &str) -> Error {
    use sqlx::Error as Sqlx;
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    match &error {
        Sqlx::Io(_)
        | Sqlx::Tls(_)
        | Sqlx::Protocol(_)
        | Sqlx::PoolTimedOut
        | Sqlx::PoolClosed
        | Sqlx::WorkerCrashed => Error::Unavailable { doing, source: error.into() },
        Sqlx::Database(found)
            if !matches!(found.kind(), ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation) =>
        {
            match code.as_str() {
                // Undefined table or schema; SQLite says it in words only.
                "42P01" | "3F000" => {
                    Error::NotMigrated { database: database.to_owned(), command: CREATE_TABLES.to_owned() }
                }
                "1" if found.message().starts_with("no such table") => {
                    Error::NotMigrated { database: database.to_owned(), command: CREATE_TABLES.to_owned() }
                }
                // A day of the history was attached in that very moment; the row finds its place at the next try.
                "23514" if found.message().ends_with("violates partition constraint") => {
                    Error::Conflict { doing, hint: "", source: error.into() }
                }
                // Serialization failure, deadlock, lock timeout.
                "40001" | "40P01" | "55P03" => Error::Conflict { doing, hint: "", source: error.into() },
                // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_BUSY_RECOVERY, SQLITE_BUSY_SNAPSHOT.
                "5" | "6" | "261" | "517" => Error::Conflict {
                    doing,
                    hint: "; one that reads before it writes must begin with `pool.begin_with(\"BEGIN IMMEDIATE\")`",
                    source: error.into(),
                },
                // The server stops, starts or is in recovery; too many connections; a read-only (standby) server; a cancelled statement.
                "57P01" | "57P02" | "57P03" | "53300" | "25006" | "57014" => {
                    Error::Unavailable { doing, source: error.into() }
                }
                // Another session answered than the one that had prepared the statement.
                "26000" | "42P05" => Error::Database { doing, source: format!("{found}; {FORGETFUL}").into() },
                class if class.starts_with("08") => Error::Unavailable { doing, source: error.into() },
                // SQLITE_FULL, SQLITE_IOERR and their kin pass when space is made.
                "13" | "53100" => Error::Unavailable { doing, source: error.into() },
                _ => Error::Database { doing, source: error.into() },
            }
        }
        _ => Error::Database { doing, source: error.into() },
    }
}
