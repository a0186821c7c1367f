//! What a store says of itself for the checks.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::record::JobId;

/// What only the database knows; what it does not have stays empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vitals {
    /// The role of this connection.
    pub role: String,
    /// What that role may not do: `DELETE on job_requests`.
    pub missing_rights: Vec<String>,
    /// Settings of the server and this session, by name.
    pub settings: BTreeMap<String, String>,
    pub tables: Vec<TableVitals>,
    /// Indexes that are not used since they were not finished.
    pub broken_indexes: Vec<String>,
    /// Transactions that are open for longer than was asked for.
    pub transactions: Vec<OpenTransaction>,
    /// SQLite: the size of the write-ahead log.
    pub wal_bytes: u64,
    /// SQLite: what a check of the file finds broken.
    pub damage: Vec<String>,
    pub overdue: Vec<OverdueRun>,
    pub hand_backs: Vec<HandBacks>,
    pub orphan_keys: Vec<OrphanKey>,
    pub stranded: Vec<Stranded>,
    /// What was not looked at, and why.
    pub unseen: Vec<String>,
}

/// A table that changes all the time.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableVitals {
    pub name: String,
    pub live: i64,
    pub dead: i64,
    /// Whether autovacuum may come by.
    pub autovacuum: bool,
    /// When it came by last, in words.
    pub vacuumed: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct OpenTransaction {
    /// Process id, role, program.
    pub who: String,
    /// What it does: `active`, `idle in transaction`, `prepared`.
    pub state: String,
    pub seconds: i64,
}

/// A run that goes on after its timeout.
#[derive(Clone, Debug)]
pub(crate) struct OverdueRun {
    pub id: JobId,
    pub job: String,
    pub worker: Uuid,
    /// Since its timeout.
    pub seconds: i64,
}

/// Jobs of a name that stops of workers have handed back often.
#[derive(Clone, Debug)]
pub(crate) struct HandBacks {
    pub job: String,
    pub jobs: i64,
    pub most: i64,
}

/// A unique key whose job neither waits nor runs.
#[derive(Clone, Debug)]
pub(crate) struct OrphanKey {
    pub job: String,
    pub key: String,
}

/// A run of a worker that shows no sign of life.
#[derive(Clone, Debug)]
pub(crate) struct Stranded {
    pub id: JobId,
    pub job: String,
}
