//! Who changed what: the rows that people's changes leave behind.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// One change that somebody made to a running system, written in the transaction of the change itself.
///
/// What has no effect leaves no row. Workers prune rows past [`Retention::audit`](crate::Retention::audit).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditRow {
    /// Its number; a later change has a larger one.
    pub seq: i64,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// Who, as told; empty when nothing was told.
    pub by: String,
    /// What was done: `pause`, `resume`, `cancel`, `purge`.
    pub action: String,
    /// To what: a [`PauseTarget`](crate::PauseTarget) as text, the id of a job, or a filter in words.
    pub target: String,
    /// To how many.
    pub count: u64,
}

/// A part of a purge: what was taken away, and the row of the audit that counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purged {
    pub count: u64,
    pub noted: Option<i64>,
}
