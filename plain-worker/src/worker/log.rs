//! The one line for the start and the one for the end of each attempt.

use std::time::Duration;

use tracing::Level;

use super::Context;
use crate::record::{Finish, Run};
use crate::status::{AttemptStatus, JobState};

/// From which time on it is worth a warning that a job was handed back.
const MANY_HAND_BACKS: i32 = 3;

/// One event at a level that is known at run time only.
macro_rules! event_at {
    ($level:expr, $($line:tt)+) => {
        match $level {
            Level::ERROR => tracing::error!($($line)+),
            Level::WARN => tracing::warn!($($line)+),
            Level::INFO => tracing::info!($($line)+),
            Level::DEBUG => tracing::debug!($($line)+),
            Level::TRACE => tracing::trace!($($line)+),
        }
    };
}

/// Milliseconds, to the microsecond.
fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

/// An attempt starts.
pub(super) fn started(routine: Level, ctx: &Context) {
    event_at!(
        routine,
        id = %ctx.id(), job = ctx.job(), attempt = ctx.attempt(), queue = ctx.queue_name(),
        waited_ms = ctx.waited().map(millis), "job started"
    );
}

/// An attempt has ended; what goes back untouched says nothing.
pub(super) fn ended(routine: Level, run: &Run, finish: &Finish, took: Duration) {
    let Some(record) = &finish.record else { return };
    let state = finish.state();
    let level = match state {
        JobState::Dead => Level::ERROR,
        JobState::Retrying => Level::WARN,
        _ => routine,
    };
    let error = record.error.as_deref().unwrap_or_default();
    event_at!(
        level,
        id = %run.id, job = %run.job, attempt = run.attempt, status = %record.status, %state, took_ms = millis(took), error, "job ended"
    );
    if record.status == AttemptStatus::HandedBack && finish.hand_backs >= MANY_HAND_BACKS {
        tracing::warn!(
            id = %run.id, job = %run.job, hand_backs = finish.hand_backs,
            "a job is handed back again and again: it is longer than the grace period of the workers that are stopped"
        );
    }
}
