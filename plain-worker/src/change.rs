//! What people change about a job that waits.

use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};

use crate::record::Due;

/// What is changed about a job that waits; what is not named stays.
///
/// See [`Queue::change`](crate::Queue::change).
///
/// ```
/// use plain_worker::JobChange;
/// let urgent = JobChange::new().priority(10).queue("express").run_now();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "nothing is changed until `Queue::change`"]
pub struct JobChange {
    pub(crate) priority: Option<i16>,
    pub(crate) queue: Option<String>,
    pub(crate) due: Option<Due>,
}

impl JobChange {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another priority: higher ones run first.
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Another queue.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = Some(name.into());
        self
    }

    /// Due at once; the retries that it has used stay used.
    pub fn run_now(mut self) -> Self {
        self.due = Some(Due::Now);
        self
    }

    /// Due after that time.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.due = Some(Due::In(delay));
        self
    }

    /// Due at that instant.
    pub fn run_at<Tz: TimeZone>(mut self, at: DateTime<Tz>) -> Self {
        self.due = Some(Due::At(at.with_timezone(&Utc)));
        self
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
