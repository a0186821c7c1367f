//! The commands, one a file: each is the grammar of its flags and what it does.

pub(super) mod cancel;
pub(super) mod check;
#[cfg(feature = "dashboard")]
pub(super) mod dashboard;
pub(super) mod delete;
pub(super) mod doctor;
pub(super) mod enqueue;
pub(super) mod jobs;
pub(super) mod list;
pub(super) mod migrate;
pub(super) mod pause;
pub(super) mod prune;
pub(super) mod purge;
pub(super) mod requeue;
pub(super) mod retry;
pub(super) mod run;
pub(super) mod schedules;
pub(super) mod show;
pub(super) mod stats;
pub(super) mod worker;
