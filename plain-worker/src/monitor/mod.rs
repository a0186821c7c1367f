//! The read side: what pages, metrics and `show` say about a queue. Nothing here counts a large table row by row.

mod exposition;
mod failures;
mod rows;
mod why;

pub(crate) use exposition::{Figures, exposition};
pub use failures::FailureGroup;
pub(crate) use failures::{Failure, grouped};
pub use rows::{AuditRow, Depth, RATE_BOUNDS, Rate, RateKind, RateQuery, RunPoint, WorkerView, percentile};
pub use why::{Facts, explain};
