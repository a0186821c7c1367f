//! The read side: what pages, metrics and `show` say about a queue. Nothing here counts a large table row by row.

mod rows;
mod why;

pub use rows::{AuditRow, Depth, RATE_BOUNDS, Rate, RateKind, RateQuery, RunPoint, WorkerView, percentile};
pub use why::{Facts, explain};
