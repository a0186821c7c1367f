//! What a lane has claimed ahead: runs that start when a slot is free, in the order in which they run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::OwnedSemaphorePermit;

use super::company::Beside;
use super::context::Cancellation;
use crate::record::{Run, RunToken};

/// So much work is claimed ahead, as fast as jobs have ended lately: long jobs are not claimed ahead at all, since other
/// workers may have a slot for them.
const AHEAD: Duration = Duration::from_millis(20);
/// The most that is claimed ahead.
const MOST: usize = 1_000;
/// What has waited for a slot for so long goes back to the database.
const STALL: Duration = Duration::from_millis(500);

/// A run that holds no slot yet, but credit.
pub(super) struct Claimed {
    pub(super) run: Run,
    pub(super) cancellation: Cancellation,
    pub(super) credit: OwnedSemaphorePermit,
    /// Its place beside others, of which one that must run alone hears.
    pub(super) beside: Beside,
    pub(super) since: Instant,
}

/// Higher priority first, then due time, then the order of the claims.
type Place = (Reverse<i16>, DateTime<Utc>, RunToken);

/// What was claimed and has not started, and how fast jobs end.
#[derive(Default)]
pub(super) struct Ahead {
    waiting: BTreeMap<Place, Claimed>,
    /// How many are to wait, by how fast jobs ended lately.
    depth: usize,
    ended: usize,
    measured: Option<Instant>,
}

impl Ahead {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn put(&mut self, claimed: Vec<Claimed>) {
        for claimed in claimed {
            let run = &claimed.run;
            self.waiting.insert((Reverse(run.priority), run.due_at, run.token), claimed);
        }
    }

    /// The next, and whether so few are left that more should be claimed.
    pub(super) fn next(&mut self) -> (Option<Claimed>, bool) {
        let next = self.waiting.pop_first().map(|(_, claimed)| claimed);
        (next, self.waiting.len() <= self.depth / 2)
    }

    pub(super) fn ended(&mut self) {
        self.ended += 1;
    }

    /// How many to claim: nothing while half of what should wait does.
    pub(super) fn wanted(&mut self, free: usize) -> usize {
        self.measure();
        let waiting = self.waiting.len();
        if waiting > self.depth / 2 || free == 0 && self.depth == 0 {
            return 0;
        }
        (free + self.depth).saturating_sub(waiting)
    }

    /// Sets the depth by how many jobs have ended since the last time; a moment without says nothing.
    fn measure(&mut self) {
        let now = Instant::now();
        let Some(measured) = self.measured else {
            self.measured = Some(now);
            return;
        };
        let since = now.duration_since(measured);
        if self.ended < 20 && since < AHEAD {
            return;
        }
        let share = AHEAD.as_secs_f64() / since.as_secs_f64().max(0.000_1);
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate, bounded"
        )]
        let depth = ((self.ended as f64 * share) as usize).min(MOST);
        self.depth = depth;
        self.ended = 0;
        self.measured = Some(now);
    }

    /// Takes out what has waited for too long.
    pub(super) fn stalled(&mut self) -> Vec<Claimed> {
        let stalled = self.waiting.extract_if(.., |_, claimed| claimed.since.elapsed() >= STALL);
        stalled.map(|(_, claimed)| claimed).collect()
    }
}
