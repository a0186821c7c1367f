use std::fmt::Write;

use crate::error::{Error, Result};

/// One forward step of the schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    pub version: i64,
    pub name: &'static str,
    /// With the placeholder of the store's namespace.
    pub sql: &'static str,
}

impl Migration {
    /// A fingerprint of the text, kept in the ledger to show a text that was changed after it was applied.
    pub(crate) fn checksum(&self) -> String {
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, self.sql.as_bytes()).to_string()
    }
}

/// A script of what is missing after the version that was found, in one transaction.
///
/// `opening` makes what the steps need, `rendered` fills a step's placeholders.
pub(crate) fn script(
    steps: &[Migration],
    found: SchemaState,
    opening: &str,
    ledger: &str,
    now: &str,
    rendered: impl Fn(&str) -> String,
) -> String {
    let found = match found {
        SchemaState::Missing => 0,
        SchemaState::At(version) => version,
    };
    let missing: Vec<_> = steps.iter().filter(|step| step.version > found).collect();
    if missing.is_empty() {
        return String::new();
    }
    let mut script = opening.to_owned();
    for step in missing {
        let (version, name, checksum) = (step.version, step.name, step.checksum());
        let sql = rendered(step.sql);
        // Writing to a string cannot fail.
        let _ = write!(
            script,
            "\n-- {name}\n{}\nINSERT INTO {ledger} VALUES ({version}, '{name}', '{checksum}', {now});\n",
            sql.trim_end()
        );
    }
    script + "COMMIT;\n"
}

/// What the ledger of migrations says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchemaState {
    Missing,
    /// The version that is there; older, equal or newer than ours.
    At(i64),
}

impl SchemaState {
    /// An error that names the command, unless the schema is at least `needed`.
    ///
    /// A newer schema is fine: release N runs on the schema of N+1.
    pub(crate) fn require(self, needed: i64, database: String) -> Result<()> {
        let command = "your-program migrate (or plain_worker::Queue::migrate)".to_owned();
        match self {
            Self::Missing => Err(Error::NotMigrated { database, command }),
            Self::At(found) if found < needed => Err(Error::SchemaOlder { database, found, needed, command }),
            Self::At(_) => Ok(()),
        }
    }
}
