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
