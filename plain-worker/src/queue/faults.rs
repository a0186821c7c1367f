//! How often the database did not do what it was asked for, by kind: for the metrics of this process.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// The kinds, as the metric's label names them.
const KINDS: [&str; 5] = ["unavailable", "conflict", "too_long", "refused", "unreadable"];

#[derive(Debug, Default)]
pub(super) struct Faults([AtomicU64; KINDS.len()]);

impl Faults {
    /// Counts an error if it is one of the database.
    pub(super) fn count(&self, error: &Error) {
        let kind = match error {
            Error::Unavailable { .. } | Error::Unknown { .. } => 0,
            Error::Conflict { .. } => 1,
            Error::TooLong { .. } => 2,
            Error::Database { .. } | Error::NotMigrated { .. } | Error::SchemaOlder { .. } => 3,
            Error::Row { .. } => 4,
            _ => return,
        };
        self.0[kind].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> [(&'static str, u64); KINDS.len()] {
        std::array::from_fn(|kind| (KINDS[kind], self.0[kind].load(Ordering::Relaxed)))
    }
}
