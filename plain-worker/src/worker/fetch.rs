//! Claims: batches for the free slots, one after the other while they come back full.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Level;

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

/// How often a worker looks without having been woken.
const POLL: Duration = Duration::from_secs(1);
/// The most that one claim takes.
const BATCH: usize = 500;
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
    /// Set while the last claims of all lanes came back empty.
    pub(super) idle: Arc<Notify>,
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
        idle: Arc<Notify>,
    ) -> Self {
        Self { queue, config, running, tally, ends, look, stop, jobs, idle, elsewhere: Elsewhere::default() }
    }

    /// Claims until it is told to stop, for each lane apart.
    pub(super) async fn claim_until_stopped(self: Arc<Self>) {
        let lanes = Lane::all(&self.config);
        let bells: Vec<_> = lanes.iter().map(|lane| Arc::clone(&lane.look)).collect();
        let claims = lanes.into_iter().map(|lane| Arc::clone(&self).claim_for(lane));
        tokio::select! {
            _ = futures_util::future::join_all(claims) => {}
            () = self.ring_all(&bells) => {}
        }
    }

    /// Wakes every lane when there may be something to claim; a single wake-up would reach one of them.
    async fn ring_all(&self, bells: &[Arc<Notify>]) {
        loop {
            self.look.notified().await;
            for bell in bells {
                bell.notify_one();
            }
        }
    }

    async fn claim_for(self: Arc<Self>, lane: Lane) {
        let mut pause = Reconnect::new();
        while !self.stop.is_cancelled() {
            let (slots, place) = tokio::select! {
                free = self.room(&lane) => free,
                () = self.stop.cancelled() => return,
            };
            let asked = slots.len();
            // Until all runs are noted as running.
            let claiming = self.running.claiming.read().await;
            match self.claim(&lane, asked).await {
                Ok(runs) => {
                    pause.reset();
                    let full = runs.len() == asked;
                    let found = !runs.is_empty();
                    for (run, slot) in runs.into_iter().zip(slots) {
                        self.start(run, slot, Arc::clone(&place));
                    }
                    drop((claiming, place));
                    // What came back full has more behind it; what came back short was all there was, but
                    // for what workers beside this one were taking in the same moment.
                    if full || found {
                        continue;
                    }
                    self.idle.notify_waiters();
                    self.sleep(&lane, POLL.mul_f64(rand::random_range(0.9..1.1))).await;
                }
                Err(error) => {
                    self.running.claim_failed();
                    drop((claiming, slots, place));
                    let wait = pause.next();
                    tracing::warn!(%error, ?wait, "jobs could not be claimed; trying again");
                    self.sleep(&lane, wait).await;
                }
            }
        }
    }

    /// Waits until the database is reached, no run wants to be alone, and there are free slots.
    async fn room(&self, lane: &Lane) -> (Vec<Slot>, Beside) {
        self.running.reached().await;
        let slots = lane.free_slots(BATCH).await;
        (slots, self.running.company.beside().await)
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
        };
        self.queue.ask(move |store| async move { store.claim(claim).await }).await
    }

    fn start(self: &Arc<Self>, run: Run, slot: Slot, place: Beside) {
        let cancellation = self.running.started(run.token);
        if self.stop.is_cancelled() {
            cancellation.cancel(crate::status::CancelReason::Shutdown);
        }
        let fetcher = Arc::clone(self);
        tokio::spawn(async move {
            let definition = fetcher.config.registry.get(&run.job);
            let place = fetcher.place_of(&run, place).await;
            let since = Instant::now();
            let (finish, ran) = match (fetcher.unfit(&run, definition).await, definition) {
                _ if place.is_none() => (decide(&run, definition, Ended::NotItsTurn(TURN)), false),
                (Some(unfit), _) => (decide(&run, definition, Ended::NotForUs(unfit)), false),
                (None, Some(definition)) if !fetcher.stop.is_cancelled() => {
                    (fetcher.run(&run, definition, &cancellation).await, true)
                }
                (None, _) => (decide(&run, definition, Ended::NotStarted), false),
            };
            let told = fetcher.config.hooks.about(&run, &finish);
            if ran {
                if !fetcher.config.layers.log() || run.expired {
                    log::ended(Level::INFO, &run, &finish, since.elapsed());
                }
                fetcher.tally.count(&finish);
            }
            // The finisher outlives all runs but for a worker that was dropped, which records nothing.
            let _ = fetcher.ends.send(ToRecord { finish, told, slot });
        });
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

    /// Runs it to its end, with the middleware around it.
    async fn run(&self, run: &Run, definition: &'static JobDef, cancellation: &Cancellation) -> Finish {
        if run.expired {
            return decide(run, Some(definition), Ended::Expired);
        }
        let attempt = Attempt {
            queue: &self.queue,
            run,
            definition,
            states: &self.config.states,
            context: Context::of_run(self.queue.clone(), run, cancellation.clone()),
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
        if layers.is_empty() {
            return decide(run, Some(definition), attempt.execute().await);
        }
        layers.run(&attempt).await
    }

    /// Whether this worker cannot run it, and whose it is then.
    async fn unfit(&self, run: &Run, definition: Option<&'static JobDef>) -> Option<Unfit> {
        let reason = match definition {
            None if is_command(&run.job) => format!(
                "no worker that lives has `{}` in its own code; a worker runs no command that a row alone names",
                run.job
            ),
            None => format!("no worker that lives knows a job named `{}`", run.job),
            Some(definition) if definition.shape() == run.shape => return None,
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
