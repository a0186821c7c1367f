//! Claims: batches for the free slots, one after the other while they come back full.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Level;

use super::ahead::Claimed;
use super::backoff::Reconnect;
use super::company::{Beside, Company, Place, TURN};
use super::config::Config;
use super::context::{Cancellation, Context};
use super::executor::Attempt;
use super::finisher::ToRecord;
use super::lanes::{Lane, Slot};
use super::log;
use super::outcome::{Ended, Unfit, decide};
use super::report::Tally;
use super::running::Running;
use crate::command::is_command;
use crate::error::Result;
use crate::job::{JobDef, PayloadError};
use crate::queue::Queue;
use crate::record::{Claim, Finish, LiveWorker, Run};
use crate::telling::NewLog;

/// How long a lane sleeps without having been woken: by an announcement, or by the look for what nobody announced.
const POLL: Duration = Duration::from_secs(10);
/// How often a lane whose slots are taken looks at them without having been rung.
const SLOTS_ROUND: Duration = Duration::from_secs(1);
/// The most that one claim takes.
const BATCH: usize = 500;
/// How many runs may be claimed and not yet recorded, waiting, running and ended ones together: what ends faster than
/// it can be recorded must not fill the memory.
const CREDIT: usize = 2_000;
/// How often it is looked whether something that was claimed waits for too long.
const STALL_ROUND: Duration = Duration::from_millis(100);
/// How long what is left to other workers stays so before it is looked at anew.
const LEAVE_FOR: Duration = Duration::from_secs(10);
/// How old the knowledge about other workers may be.
const KNOWLEDGE_AGE: Duration = Duration::from_secs(2);

/// The loop that claims, and what it needs to start what it claimed.
pub(super) struct Fetcher {
    pub(super) queue: Queue,
    pub(super) config: Arc<Config>,
    pub(super) running: Arc<Running>,
    pub(super) tally: Arc<Tally>,
    pub(super) ends: mpsc::UnboundedSender<ToRecord>,
    /// Rung when there may be something to claim.
    pub(super) look: Arc<Notify>,
    /// Stops claiming.
    pub(super) stop: CancellationToken,
    pub(super) jobs: tokio::runtime::Handle,
    /// Which lanes found nothing at their last claim.
    pub(super) quiet: Arc<watch::Sender<Vec<bool>>>,
    credit: Arc<Semaphore>,
    elsewhere: Elsewhere,
}

/// What is known of other workers, and what is left to them.
#[derive(Default)]
struct Elsewhere {
    workers: Mutex<Option<(Instant, Arc<[LiveWorker]>)>>,
    /// (name, shape) pairs that another worker runs, and since when.
    left: Mutex<BTreeMap<(String, String), Instant>>,
}

impl Fetcher {
    #[allow(clippy::too_many_arguments, reason = "it is made in one place, out of what that place has just made")]
    pub(super) fn new(
        queue: Queue,
        config: Arc<Config>,
        running: Arc<Running>,
        tally: Arc<Tally>,
        ends: mpsc::UnboundedSender<ToRecord>,
        look: Arc<Notify>,
        stop: CancellationToken,
        jobs: tokio::runtime::Handle,
        quiet: Arc<watch::Sender<Vec<bool>>>,
    ) -> Self {
        // Enough for what runs and for what is on its way in and out.
        let credit = Arc::new(Semaphore::new(config.slots() + CREDIT));
        let elsewhere = Elsewhere::default();
        Self { queue, config, running, tally, ends, look, stop, jobs, quiet, credit, elsewhere }
    }

    /// Claims until it is told to stop, for each lane apart.
    pub(super) async fn claim_until_stopped(self: Arc<Self>) {
        let lanes: Vec<_> = Lane::all(&self.config).into_iter().map(Arc::new).collect();
        self.quiet.send_replace(vec![false; lanes.len()]);
        let claims = lanes.iter().enumerate().map(|(place, lane)| Arc::clone(&self).claim_for(place, Arc::clone(lane)));
        tokio::select! {
            _ = futures_util::future::join_all(claims) => {}
            () = self.ring_all(&lanes) => {}
            () = self.give_back_stalled(&lanes) => {}
        }
    }

    /// Wakes every lane when there may be something to claim; a single wake-up would reach one of them.
    async fn ring_all(&self, lanes: &[Arc<Lane>]) {
        loop {
            self.look.notified().await;
            for lane in lanes {
                lane.trail.wake();
                lane.look.notify_one();
            }
        }
    }

    async fn claim_for(self: Arc<Self>, place: usize, lane: Arc<Lane>) {
        let mut pause = Reconnect::new();
        while let Some((credit, beside)) = self.room(&lane).await {
            // Until all runs are noted as running.
            let claiming = self.running.claiming.read().await;
            match self.claim(&lane, credit.num_permits()).await {
                Ok(runs) => {
                    pause.reset();
                    let quiet = runs.is_empty();
                    self.quiet.send_if_modified(|all| std::mem::replace(&mut all[place], quiet) != quiet);
                    // What came back full has more behind it; what came back short was all there was, but
                    // for what workers beside this one were taking in the same moment.
                    if !quiet {
                        self.put(&lane, runs, credit, &beside);
                        drop(claiming);
                        continue;
                    }
                    drop((claiming, credit, beside));
                    self.sleep(&lane, POLL.mul_f64(rand::random_range(0.9..1.1))).await;
                }
                Err(error) => {
                    self.running.claim_failed();
                    drop((claiming, credit, beside));
                    let wait = pause.next();
                    tracing::warn!(%error, ?wait, "jobs could not be claimed; trying again");
                    self.sleep(&lane, wait).await;
                }
            }
        }
        // Whatever still waits is handed back by the tasks that find it: they see that the worker stops.
        while let Some(claimed) = lane.next() {
            self.give_back(&lane, claimed);
        }
    }

    /// Waits until the lane wants more, there is credit for it, the database is reached, and no run wants to be alone;
    /// `None` when the worker stops.
    async fn room(self: &Arc<Self>, lane: &Arc<Lane>) -> Option<(OwnedSemaphorePermit, Beside)> {
        let room = async {
            loop {
                self.running.reached().await;
                let beside = self.running.company.beside().await;
                let wanted = lane.wanted().min(BATCH);
                if wanted > 0 {
                    // The semaphore is never closed.
                    let some = Arc::clone(&self.credit).acquire_owned().await.ok()?;
                    return Some((self.more_credit(some, wanted), beside));
                }
                drop(beside);
                // It is rung too when a lane that shares these slots has left one; the limit is for what rings nobody.
                let _ = tokio::time::timeout(SLOTS_ROUND, lane.hungry()).await;
                self.fill(lane);
            }
        };
        tokio::select! {
            room = room => room,
            () = self.stop.cancelled() => None,
        }
    }

    /// Gives back what has waited for a slot for too long.
    async fn give_back_stalled(&self, lanes: &[Arc<Lane>]) {
        loop {
            tokio::time::sleep(STALL_ROUND).await;
            for lane in lanes {
                for claimed in lane.stalled() {
                    self.give_back(lane, claimed);
                }
            }
        }
    }

    /// As much as is wanted and there.
    fn more_credit(&self, mut credit: OwnedSemaphorePermit, wanted: usize) -> OwnedSemaphorePermit {
        let more = wanted.saturating_sub(1).min(self.credit.available_permits());
        if let Ok(more) = Arc::clone(&self.credit).try_acquire_many_owned(u32::try_from(more).unwrap_or_default()) {
            credit.merge(more);
        }
        credit
    }

    /// Lets what was claimed wait for its slots, and fills those that are free.
    fn put(self: &Arc<Self>, lane: &Arc<Lane>, runs: Vec<Run>, mut credit: OwnedSemaphorePermit, beside: &Beside) {
        let since = Instant::now();
        let claimed = runs.into_iter().filter_map(|run| {
            let credit = credit.split(1)?;
            let cancellation = self.running.started(run.token);
            Some(Claimed { run, cancellation, credit, beside: Arc::clone(beside), since })
        });
        lane.put(claimed.collect());
        self.fill(lane);
    }

    /// Starts what waits in the slots that are free.
    fn fill(self: &Arc<Self>, lane: &Arc<Lane>) {
        for _ in 0..lane.waiting() {
            let Some(slot) = lane.try_slot() else { break };
            let (fetcher, lane) = (Arc::clone(self), Arc::clone(lane));
            // Not on the runtime of the jobs, which one that never yields may keep, and which ends before its runs do.
            tokio::spawn(async move { fetcher.work(&lane, slot).await });
        }
    }

    /// What one slot does: one job after the other, while some wait.
    async fn work(&self, lane: &Lane, mut slot: Slot) {
        loop {
            while !self.running.kill.is_cancelled()
                && let Some(claimed) = lane.next()
            {
                self.start(lane, claimed).await;
            }
            lane.release(slot);
            // What came in meanwhile may have found no free slot.
            if lane.waiting() == 0 || self.running.kill.is_cancelled() {
                return;
            }
            let Some(again) = lane.try_slot() else { return };
            slot = again;
        }
    }

    /// Waits that long, or until there may be something to claim, or until the stop.
    async fn sleep(&self, lane: &Lane, limit: Duration) {
        tokio::select! {
            () = tokio::time::sleep(limit) => {}
            () = lane.look.notified() => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn claim(&self, lane: &Lane, limit: usize) -> Result<Vec<Run>> {
        let mut except: Vec<_> = lane.except.iter().map(|name| (name.clone(), String::new())).collect();
        except.extend(self.elsewhere.left());
        let claim = Claim {
            worker: self.config.id,
            build: self.config.build.clone(),
            queues: lane.queues.clone(),
            except_queues: lane.except_queues.clone(),
            only: lane.only.clone(),
            except,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            trail: lane.trail.clone(),
        };
        self.queue.ask(move |store| async move { store.claim(claim).await }).await
    }

    /// Sees whether a job can run here, and runs it to its end.
    async fn start(&self, lane: &Lane, claimed: Claimed) {
        let Claimed { run, cancellation, credit, beside, .. } = claimed;
        let definition = self.config.registry.get(&run.job);
        let place = self.place_of(&run, beside).await;
        let since = Instant::now();
        let mut log = None;
        let (finish, ran) = match (self.unfit(&run, definition).await, definition) {
            _ if place.is_none() => (decide(&run, definition, Ended::NotItsTurn(TURN)), false),
            (Some(unfit), _) => (decide(&run, definition, Ended::NotForUs(unfit)), false),
            (None, Some(definition)) if !self.stop.is_cancelled() => match cancellation.reason() {
                // It was told to stop before it had a slot.
                Some(reason) => (decide(&run, Some(definition), Ended::Stopped(reason, None)), true),
                None => (self.run(&run, definition, &cancellation, &mut log).await, true),
            },
            (None, _) => (decide(&run, definition, Ended::NotStarted), false),
        };
        let told = self.config.hooks.about(&run, &finish);
        if ran {
            if !self.config.layers.log() || run.expired {
                log::ended(Level::INFO, &run, &finish, since.elapsed());
            }
            self.tally.count(&finish);
        }
        self.record(lane, ToRecord { finish, told, log, credit });
    }

    /// Gives back what has not started.
    fn give_back(&self, lane: &Lane, claimed: Claimed) {
        let Claimed { run, credit, .. } = claimed;
        let finish = decide(&run, self.config.registry.get(&run.job), Ended::NotStarted);
        let told = self.config.hooks.about(&run, &finish);
        self.record(lane, ToRecord { finish, told, log: None, credit });
    }

    fn record(&self, lane: &Lane, end: ToRecord) {
        lane.ended();
        // The finisher outlives all runs but for a worker that was dropped, which records nothing.
        let _ = self.ends.send(end);
    }

    /// The place of a run: beside what was claimed with it, or alone; none if it has to wait for that.
    async fn place_of(&self, run: &Run, place: Beside) -> Option<Place> {
        if !Company::is_suspect(run) {
            return Some(Place::Beside { _all: place });
        }
        drop(place);
        tokio::select! {
            place = self.running.company.alone() => place,
            () = self.stop.cancelled() => None,
        }
    }

    /// Runs it to its end, with the middleware around it; `log` takes what it logged.
    async fn run(
        &self,
        run: &Run,
        definition: &'static JobDef,
        cancellation: &Cancellation,
        log: &mut Option<NewLog>,
    ) -> Finish {
        if run.expired {
            return decide(run, Some(definition), Ended::Expired);
        }
        let attempt = Attempt {
            queue: &self.queue,
            run,
            definition,
            states: &self.config.states,
            context: Context::of_run(
                self.queue.clone(),
                run,
                cancellation.clone(),
                self.config.job_logs,
                Arc::clone(&self.running.bell),
            ),
            cancellation,
            jobs: &self.jobs,
            running: &self.running,
            own: TaskTracker::new(),
            process_ends: self.config.process_ends,
            guard: self.config.guard.as_ref(),
        };
        let layers = &self.config.layers;
        if !layers.log() {
            log::started(Level::INFO, &attempt.context);
        }
        let finish = if layers.is_empty() {
            decide(run, Some(definition), attempt.execute().await)
        } else {
            layers.run(&attempt).await
        };
        *log = attempt.context.log_to_write();
        finish
    }

    /// Whether this worker cannot run it, and whose it is then.
    async fn unfit(&self, run: &Run, definition: Option<&'static JobDef>) -> Option<Unfit> {
        let reason = match definition {
            None if is_command(&run.job) => format!(
                "no worker that lives has `{}` in its own code; a worker runs no command that a row alone names",
                run.job
            ),
            None => format!("no worker that lives knows a job named `{}`", run.job),
            Some(_) if self.config.knows.get(&run.job) == Some(&run.shape) => return None,
            Some(definition) => {
                // Another shape may still be readable: fields with defaults, aliases, wider types.
                match super::panics::caught(|| (definition.check)(&run.arguments)) {
                    Ok(Ok(()) | Err(PayloadError::Missing(_))) => return None,
                    Ok(Err(PayloadError::Unreadable(reason))) => {
                        format!("no worker that lives can read its arguments; here: {reason}")
                    }
                    Err(panic) => format!("no worker that lives can read its arguments; here: {panic}"),
                }
            }
        };
        if self.runs_elsewhere(run).await {
            self.elsewhere.leave(&run.job, &run.shape);
            return Some(Unfit::LeaveIt);
        }
        tracing::warn!(id = %run.id, job = %run.job, %reason, "job parked");
        Some(Unfit::Park(reason))
    }

    /// Whether another worker that lives was built with this very shape and serves the queue.
    async fn runs_elsewhere(&self, run: &Run) -> bool {
        let workers = match self.elsewhere.known() {
            Some(workers) => workers,
            None => match self.queue.ask(|store| async move { store.live_workers().await }).await {
                Ok(workers) => self.elsewhere.learn(workers),
                Err(error) => {
                    tracing::debug!(%error, "could not look for other workers");
                    return false;
                }
            },
        };
        workers.iter().any(|worker| {
            worker.id != self.config.id
                && worker.knows.get(&run.job) == Some(&run.shape)
                && worker.queues.as_ref().is_none_or(|queues| queues.contains(&run.queue))
        })
    }
}

impl Elsewhere {
    fn known(&self) -> Option<Arc<[LiveWorker]>> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.as_ref().filter(|(since, _)| since.elapsed() < KNOWLEDGE_AGE).map(|(_, known)| Arc::clone(known))
    }

    fn learn(&self, workers: Vec<LiveWorker>) -> Arc<[LiveWorker]> {
        let workers: Arc<[LiveWorker]> = workers.into();
        *self.workers.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&workers)));
        workers
    }

    fn leave(&self, job: &str, shape: &str) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.insert((job.to_owned(), shape.to_owned()), Instant::now());
    }

    fn left(&self) -> Vec<(String, String)> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|_, since| since.elapsed() < LEAVE_FOR);
        left.keys().cloned().collect()
    }
}
