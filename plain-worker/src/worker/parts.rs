//! The tasks of a running worker: started together, stopped in their order.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::config::Config;
use super::report::{Tally, WorkerReport};
use super::running::Running;
use super::scheduler::Scheduler;
use super::{backoff, fetch, finisher, life, maintenance, pulse};
use crate::queue::Queue;
use crate::status::CancelReason;

/// How long the sign-off is waited for.
const SIGN_OFF: Duration = Duration::from_millis(250);

/// The tasks of a worker. Dropping it ends them all, like a kill.
pub(super) struct Parts {
    running: Arc<Running>,
    tally: Arc<Tally>,
    /// Which lanes found nothing at their last claim.
    quiet: Arc<watch::Sender<Vec<bool>>>,
    look: Arc<Notify>,
    /// Stops claiming and upkeep.
    stop: CancellationToken,
    life: life::Alive,
    /// Stops the heartbeat, last of all; also when the worker is dropped.
    heartbeat: DropGuard,
    fetcher: AbortOnDropHandle<()>,
    finisher: AbortOnDropHandle<()>,
    /// Whether the schedules have been looked at.
    scheduled: watch::Receiver<bool>,
    _kill_on_drop: DropGuard,
    _upkeep: Vec<AbortOnDropHandle<()>>,
}

impl Parts {
    pub(super) fn start(
        queue: &Queue,
        config: &Arc<Config>,
        jobs: Handle,
        running: Arc<Running>,
        life: life::Alive,
        heartbeat: DropGuard,
    ) -> Self {
        let spawn = |task| AbortOnDropHandle::new(task);
        let (stop, heartbeat_token) = (CancellationToken::new(), life.stop.clone());
        let tally = Arc::<Tally>::default();
        let (look, quiet) = (Arc::<Notify>::default(), Arc::<watch::Sender<Vec<bool>>>::default());

        let (ends, received) = mpsc::unbounded_channel();
        let finisher = spawn(tokio::spawn(finisher::record_ends(
            queue.clone(),
            received,
            Arc::clone(&running),
            config.hooks.clone(),
        )));
        let fetcher = Arc::new(fetch::Fetcher::new(
            queue.clone(),
            Arc::clone(config),
            Arc::clone(&running),
            Arc::clone(&tally),
            ends,
            Arc::clone(&look),
            stop.clone(),
            jobs,
            Arc::clone(&quiet),
        ));
        let fetcher = spawn(tokio::spawn(fetcher.claim_until_stopped()));

        let (looked, scheduled) = watch::channel(false);
        let timekeeper = Scheduler::new(queue.clone(), Arc::clone(config), Arc::clone(&look), stop.clone(), looked);
        let keeper = Arc::new(maintenance::Maintenance {
            queue: queue.clone(),
            config: Arc::clone(config),
            running: Arc::clone(&running),
            look: Arc::clone(&look),
            stop: stop.clone(),
            quiet: quiet.subscribe(),
        });
        let mut upkeep = vec![
            spawn(tokio::spawn(Arc::clone(&keeper).promote_until_stopped())),
            // Told of cancellations until the very end.
            spawn(tokio::spawn(
                Arc::new(maintenance::Maintenance {
                    queue: queue.clone(),
                    config: Arc::clone(config),
                    running: Arc::clone(&running),
                    look: Arc::clone(&look),
                    stop: heartbeat_token.clone(),
                    quiet: quiet.subscribe(),
                })
                .notice_until_stopped(),
            )),
            // Runs tell how far they are until the very end, too.
            spawn(tokio::spawn(Arc::clone(&running.bell).write_until_stopped(queue.clone(), heartbeat_token.clone()))),
            spawn(tokio::spawn(Arc::clone(&keeper).rescue_until_stopped(life.scenes.clone()))),
            spawn(tokio::spawn(Arc::clone(&keeper).unpark_until_stopped())),
            spawn(tokio::spawn(Arc::clone(&keeper).tell_what_cannot_run())),
            spawn(tokio::spawn(Arc::clone(&keeper).count_until_stopped())),
            spawn(tokio::spawn(keeper.prune_until_stopped())),
            spawn(tokio::spawn(timekeeper.run_until_stopped())),
            spawn(tokio::spawn(look_when_enqueued(queue.clone(), Arc::clone(&look)))),
            spawn(tokio::spawn(look_when_announced(
                queue.clone(),
                config.direct_database_url.clone(),
                Arc::clone(&look),
            ))),
        ];
        if let Some(every) = config.stats_every {
            let (tally, running) = (Arc::clone(&tally), Arc::clone(&running));
            upkeep.push(spawn(tokio::spawn(pulse::tell_until_stopped(every, tally, running, stop.clone()))));
        }
        Self {
            _kill_on_drop: running.kill.clone().drop_guard(),
            running,
            tally,
            quiet,
            look,
            stop,
            life,
            heartbeat,
            fetcher,
            finisher,
            scheduled,
            _upkeep: upkeep,
        }
    }

    /// Waits until there is nothing left to do for this worker.
    ///
    /// The database is asked only when nothing was found and nothing runs: it looks at all that is due.
    pub(super) async fn drained(&self, queue: &Queue, config: &Arc<Config>) {
        // What schedules made due before the start belongs to it; an error means that the worker stops.
        let _ = self.scheduled.clone().wait_for(|looked| *looked).await;
        let mut quiet = self.quiet.subscribe();
        let mut pause = Duration::from_millis(10);
        loop {
            let all = |lanes: &Vec<bool>| !lanes.is_empty() && lanes.iter().all(|quiet| *quiet);
            if quiet.wait_for(all).await.is_err() {
                // The fetcher is gone, and with it whatever could be waited for.
                return;
            }
            self.running.idle().await;
            if !all(&quiet.borrow()) {
                continue;
            }
            let (worker, queues) = (config.id, config.queues.clone());
            let knows = config.knows.keys().cloned().collect();
            match queue.ask(move |store| async move { store.undrained(worker, queues, knows).await }).await {
                Ok(false) if !self.others_may_be_dead().await => return,
                Ok(_) => self.look.notify_one(),
                Err(error) => tracing::warn!(%error, "could not look for what is left"),
            }
            // It is due in a moment, or held by a worker whose death is not certain yet.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
    }

    /// Waits until so many attempts have ended; then claims no more, and waits for those that run.
    pub(super) async fn used_up(&self, attempts: u64) {
        self.tally.reaches(attempts).await;
        tracing::info!(attempts, "as many jobs as this worker should; what runs ends");
        self.stop.cancel();
        // What a claim brings that was under way is handed back, or has started and is waited for.
        self.running.idle().await;
    }

    /// Whether another worker holds runs and may be dead, as the next look shows.
    async fn others_may_be_dead(&self) -> bool {
        let mut scenes = self.life.scenes.clone();
        scenes.mark_unchanged();
        // Where the looks have ended, so has this worker.
        scenes.changed().await.is_ok() && scenes.borrow().unsure
    }

    /// The shutdown, in its order: claim no more, let jobs end, hand back the rest, record it, sign off.
    pub(super) async fn stop(self, config: &Arc<Config>, grace: Duration) -> WorkerReport {
        tracing::info!(worker = %config.id, running = self.running.tokens().len(), ?grace, "worker stopping");
        let last = tokio::time::Instant::now() + grace + finisher::LAST_WRITE;
        self.stop.cancel();
        // A claim that is under way is let through, so that nothing is claimed and forgotten.
        let fetched = tokio::time::timeout(grace + finisher::LAST_WRITE, self.fetcher);
        self.running.cancel_all(CancelReason::Shutdown);
        let ended = tokio::time::timeout(grace, async {
            let _ = fetched.await;
            self.running.idle().await;
        });
        let mut clean = ended.await.is_ok();
        if !clean {
            self.running.kill.cancel();
            clean = tokio::time::timeout(finisher::LAST_WRITE, self.running.idle()).await.is_ok();
        }
        if tokio::time::timeout_at(last, config.hooks.done()).await.is_err() {
            tracing::warn!(worker = %config.id, "a hook outlasts the grace period; it is not waited for");
        }
        if clean || self.running.working.is_empty() {
            drop(self.finisher);
        } else {
            tracing::warn!(
                worker = %config.id, jobs = self.running.working.len(),
                "some jobs cannot be stopped: they stay with this worker until they end, or the process does"
            );
            // It ends with the last of them.
            drop(self.finisher.detach());
        }
        drop(self.heartbeat);
        if clean && tokio::time::timeout(SIGN_OFF, self.life.over).await.is_err() {
            tracing::debug!(worker = %config.id, "the sign-off takes long");
        }
        let report = self.tally.report(clean);
        tracing::info!(worker = %config.id, ?report, "worker stopped");
        report
    }
}

/// Jobs enqueued in this process are looked for at once.
async fn look_when_enqueued(queue: Queue, look: Arc<Notify>) {
    let mut enqueued = queue.enqueued();
    while enqueued.changed().await.is_ok() {
        look.notify_one();
    }
}

/// Jobs enqueued elsewhere are looked for when they are announced; the listener is made anew when it is lost.
async fn look_when_announced(queue: Queue, direct: Option<String>, look: Arc<Notify>) {
    let mut pause = backoff::Reconnect::new();
    loop {
        let ring = Arc::clone(&look);
        let since = std::time::Instant::now();
        if let Err(error) = queue.listen(direct.clone(), Arc::new(move || ring.notify_one())).await {
            if since.elapsed() > Duration::from_secs(10) {
                pause.reset();
            }
            let wait = pause.next();
            tracing::warn!(%error, ?wait, "wake-ups are not heard; jobs start with the next look, within a second");
            tokio::time::sleep(wait).await;
        }
    }
}
