use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::super::exit::Failure;
use super::super::super::text;
use crate::monitor::{RateKind, RateQuery};
use crate::queue::Queue;
use crate::record::{JobFilter, JobId};
use crate::status::JobState;
use crate::telling::Progress;

/// How many running jobs are looked at.
const MOST: u32 = 100;

/// What there is at one moment, as JSON, too.
#[derive(Debug, Default, Serialize)]
pub(super) struct Snapshot {
    /// By the database's clock.
    pub(super) at: DateTime<Utc>,
    pub(super) workers: Workers,
    pub(super) last_minute: LastMinute,
    pub(super) queues: BTreeMap<String, Depths>,
    /// The newest enqueues of them.
    pub(super) running: Vec<RunningJob>,
}

/// The workers that live.
#[derive(Debug, Default, Serialize)]
pub(super) struct Workers {
    pub(super) alive: usize,
    pub(super) slots: i64,
    pub(super) busy: i64,
}

/// How many ended, as the workers sum it up every ten seconds.
#[derive(Debug, Default, Serialize)]
pub(super) struct LastMinute {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) dead: u64,
}

/// How many jobs stand where; 10,000 is that many or more.
#[derive(Debug, Default, Serialize)]
pub(super) struct Depths {
    pub(super) ready: u64,
    /// Due later, retries among them.
    pub(super) later: u64,
    pub(super) blocked: u64,
    pub(super) parked: u64,
    pub(super) running: u64,
    pub(super) oldest_ready_seconds: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct RunningJob {
    pub(super) id: JobId,
    pub(super) job: String,
    pub(super) queue: String,
    pub(super) attempt: i32,
    pub(super) seconds: i64,
    pub(super) progress: Option<Progress>,
}

impl Snapshot {
    pub(super) async fn take(queue: &Queue) -> Result<Self, Failure> {
        let at = queue.now().await?;
        let mut snapshot = Self { at, ..Self::default() };
        for worker in queue.workers().await?.iter().filter(|worker| worker.alive) {
            snapshot.workers.alive += 1;
            snapshot.workers.slots += worker.concurrency;
            snapshot.workers.busy += worker.running;
        }
        for rate in queue.rates(RateQuery::last(60)).await? {
            let counter = match rate.kind {
                RateKind::Succeeded => &mut snapshot.last_minute.succeeded,
                RateKind::Failed => &mut snapshot.last_minute.failed,
                RateKind::Dead => &mut snapshot.last_minute.dead,
                _ => continue,
            };
            *counter += rate.count;
        }
        for depth in queue.depths().await? {
            let of = snapshot.queues.entry(depth.queue).or_default();
            let counter = match depth.state {
                JobState::Ready => {
                    of.oldest_ready_seconds = depth.oldest.map(|oldest| (at - oldest).num_seconds().max(0));
                    &mut of.ready
                }
                JobState::Blocked => &mut of.blocked,
                JobState::Parked => &mut of.parked,
                JobState::Running => &mut of.running,
                _ => &mut of.later,
            };
            *counter += depth.count;
        }
        let running = queue.list(JobFilter::new().state(JobState::Running), None, MOST).await?;
        snapshot.running = running
            .into_iter()
            .map(|row| RunningJob {
                seconds: row.started_at.map_or(0, |started| (at - started).num_seconds().max(0)),
                id: row.id,
                job: row.job,
                queue: row.queue,
                attempt: row.attempt,
                progress: row.progress,
            })
            .collect();
        Ok(snapshot)
    }

    /// All queues together, on one line.
    pub(super) fn line(&self) -> String {
        let sum = |of: fn(&Depths) -> u64| self.queues.values().map(of).sum::<u64>();
        let Workers { alive, slots, busy } = self.workers;
        let LastMinute { succeeded, failed, dead } = self.last_minute;
        format!(
            "{} ready {} later {} parked {} running {} | last minute: succeeded {succeeded} failed {failed} dead {dead} \
             | workers {alive} slots {busy}/{slots}",
            text::exact(self.at),
            sum(|depths| depths.ready),
            sum(|depths| depths.later + depths.blocked),
            sum(|depths| depths.parked),
            sum(|depths| depths.running),
        )
    }
}
