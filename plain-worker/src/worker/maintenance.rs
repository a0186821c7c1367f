//! What keeps the queue in order: due jobs made ready, parked ones looked through, old results pruned.
//!
//! Each is an idempotent statement that any worker may run at any time, so
//! there is no leader, and one that dies half-way is made up for by the next.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::outcome::{Ended, decide};
use super::running::Running;
use crate::check;
use crate::error::Result;
use crate::job::PayloadError;
use crate::queue::Queue;
use crate::record::ParkedRow;
use crate::status::CancelReason;

/// How often due jobs are looked for when none is known to become due earlier, and ready ones that nobody was woken for.
const TICK: Duration = Duration::from_secs(1);
/// The shortest wait between two looks.
const SHORTEST: Duration = Duration::from_millis(10);
/// How many rows one statement touches at most.
const PIECE: u32 = 1_000;
/// How often the park is looked through for jobs that this worker can run.
const PARK_ROUND: Duration = Duration::from_secs(10);
/// How many stored requests a worker looks through at its start.
const CHECKED: u64 = 100_000;
/// How often what ended is summed up.
const COUNT_ROUND: Duration = Duration::from_secs(10);
/// How often old results are pruned and tables kept ready.
const PRUNE_ROUND: Duration = Duration::from_secs(10 * 60);

/// Does one thing after another on its own schedule until the stop.
pub(super) struct Maintenance {
    pub(super) queue: Queue,
    pub(super) config: Arc<Config>,
    pub(super) running: Arc<Running>,
    /// Rung when something became ready.
    pub(super) look: Arc<Notify>,
    pub(super) stop: CancellationToken,
    /// Which lanes found nothing at their last claim.
    pub(super) quiet: watch::Receiver<Vec<bool>>,
}

impl Maintenance {
    /// Makes due jobs ready, when the first of them is due.
    pub(super) async fn promote_until_stopped(self: Arc<Self>) {
        self.repeat_when_rung("make due jobs ready", Some(&self.running.soon), || async {
            let idle = self.quiet.borrow().iter().all(|quiet| *quiet);
            let promoted = self.queue.ask(move |store| async move { store.promote(PIECE, idle).await }).await?;
            // Also what nobody was woken for.
            if promoted.count > 0 || promoted.ready {
                self.look.notify_one();
            }
            if promoted.count == u64::from(PIECE) {
                return Ok(Duration::ZERO);
            }
            if promoted.expired {
                self.queue.ask(|store| async move { store.expire(PIECE).await }).await?;
            }
            Ok(promoted.next_in.unwrap_or(TICK).clamp(SHORTEST, TICK))
        })
        .await;
    }

    /// Tells running jobs of cancellations, and that they were taken over.
    pub(super) async fn notice_until_stopped(self: Arc<Self>) {
        self.repeat_when_rung("look after running jobs", Some(&self.running.doubt), || async {
            if self.running.may_hold_more() {
                self.give_back_unknown().await?;
            }
            let running = self.running.tokens();
            if !running.is_empty() {
                let worker = self.config.id;
                let notices = self.queue.ask(move |store| async move { store.notices(worker, running).await }).await?;
                for notice in notices {
                    // What is being recorded in this very moment is no longer held, and was not taken over.
                    if notice.reason == CancelReason::Cancelled || self.still_gone(notice.token).await? {
                        self.running.cancel(notice.token, notice.reason);
                    }
                }
            }
            Ok(TICK)
        })
        .await;
    }

    /// Gives back runs that a claim has brought whose answer was lost: nobody runs them.
    async fn give_back_unknown(&self) -> Result<()> {
        // No claim is under way that has brought something and not noted it.
        let _none = self.running.claiming.write().await;
        let worker = self.config.id;
        let held = self.queue.ask(move |store| async move { store.lost_runs(worker, PIECE).await }).await?;
        let known: HashSet<_> = self.running.tokens().into_iter().collect();
        let unknown: Arc<[_]> = held
            .iter()
            .filter(|run| !known.contains(&run.token))
            .map(|run| decide(run, None, Ended::NotStarted))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        tracing::info!(%worker, jobs = unknown.len(), "jobs go back that were claimed when the connection was lost");
        self.queue.ask(move |store| async move { store.finish(unknown).await }).await?;
        self.look.notify_one();
        Ok(())
    }

    /// Whether a run that is still going here is gone from the database, also at a second look.
    async fn still_gone(&self, token: i64) -> Result<bool> {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if !self.running.tokens().contains(&token) {
            return Ok(false);
        }
        let worker = self.config.id;
        let again = self.queue.ask(move |store| async move { store.notices(worker, vec![token]).await }).await?;
        Ok(!again.is_empty() && self.running.tokens().contains(&token))
    }

    /// Tells once what waits and cannot be run here, as the command `check` does.
    pub(super) async fn tell_what_cannot_run(self: Arc<Self>) {
        let report = tokio::select! {
            report = check::read(&self.queue, &self.config.registry, CHECKED) => report,
            () = self.stop.cancelled() => return,
        };
        match report {
            Ok(report) if report.is_clean() => tracing::debug!(worker = %self.config.id, "{report}"),
            // One line, as everything in a log.
            Ok(report) => tracing::warn!(worker = %self.config.id, "{}", report.line()),
            Err(error) => tracing::warn!(%error, "could not look for stored jobs that cannot be run here"),
        }
    }

    /// Takes jobs out of the park that this worker can run: at its start, and again and again, since a worker of
    /// another build may park some meanwhile.
    pub(super) async fn unpark_until_stopped(self: Arc<Self>) {
        self.repeat("look through the park", || async {
            self.unpark().await?;
            Ok(PARK_ROUND)
        })
        .await;
    }

    async fn unpark(&self) -> Result<()> {
        let mut after = 0;
        loop {
            let names = self.config.knows.keys().cloned().collect();
            let rows = self.queue.ask(move |store| async move { store.parked(names, after, PIECE).await }).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.seq;
            let ours: Vec<i64> = rows.iter().filter(|row| self.can_run(row)).map(|row| row.seq).collect();
            if !ours.is_empty() {
                let taken = self.queue.ask(move |store| async move { store.unpark(ours).await }).await?;
                tracing::info!(jobs = taken, "took jobs out of the park");
                self.look.notify_one();
            }
        }
    }

    fn can_run(&self, row: &ParkedRow) -> bool {
        let Some(definition) = self.config.registry.get(&row.job) else { return false };
        let readable = super::panics::caught(|| (definition.check)(&row.arguments));
        definition.shape() == row.shape || matches!(readable, Ok(Ok(()) | Err(PayloadError::Missing(_))))
    }

    /// Sums up what ended, for pages and metrics, off the path on which jobs end.
    pub(super) async fn count_until_stopped(self: Arc<Self>) {
        self.repeat("sum up what ended", || async {
            while self.queue.roll_up().await? {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(COUNT_ROUND.mul_f64(rand::random_range(0.8..1.2)))
        })
        .await;
    }

    /// Prunes what is past its retention and keeps the tables ready.
    pub(super) async fn prune_until_stopped(self: Arc<Self>) {
        self.repeat("prune results", || async {
            self.queue.ask(|store| async move { store.maintain().await }).await?;
            self.queue.ask(|store| async move { store.fold_rates().await }).await?;
            let retention = self.config.retention;
            let since = Instant::now();
            while self.queue.ask(move |store| async move { store.prune(retention, PIECE).await }).await? > 0 {
                // A little at a time, so that it never takes much of the database from the jobs.
                tokio::time::sleep(Duration::from_millis(50)).await;
                if since.elapsed() > PRUNE_ROUND {
                    break;
                }
            }
            Ok(PRUNE_ROUND.mul_f64(rand::random_range(0.8..1.2)))
        })
        .await;
    }

    /// Does it, waits as long as it says, and does it again.
    async fn repeat<F>(&self, what: &'static str, work: impl Fn() -> F)
    where
        F: Future<Output = Result<Duration>>,
    {
        self.repeat_when_rung(what, None, work).await;
    }

    /// The same, or as soon as the bell rings; an error is logged and tried again, and
    /// so is a panic: a row that nobody thought of must not end the loop.
    async fn repeat_when_rung<F>(&self, what: &'static str, bell: Option<&Notify>, work: impl Fn() -> F)
    where
        F: Future<Output = Result<Duration>>,
    {
        let mut pause = super::backoff::Reconnect::new();
        while !self.stop.is_cancelled() {
            let wait = match super::panics::caught_future(work()).await {
                Ok(Ok(wait)) => {
                    pause.reset();
                    wait
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "could not {what}; trying again");
                    pause.next()
                }
                Err(panic) => {
                    tracing::error!(panic, "could not {what}; trying again");
                    pause.next()
                }
            };
            let rung = async {
                match bell {
                    Some(bell) => bell.notified().await,
                    None => std::future::pending().await,
                }
                // Many bells in a row are one.
                tokio::time::sleep(SHORTEST).await;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = rung => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}
