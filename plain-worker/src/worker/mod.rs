//! The worker: claims jobs, runs them, records their ends, and looks after those of workers that died.

mod backoff;
mod context;
mod executor;
mod fetch;
mod finisher;
#[cfg(feature = "cli")]
mod here;
mod life;
mod maintenance;
mod outcome;
mod panics;
mod running;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

pub use context::Context;
#[cfg(feature = "cli")]
pub(crate) use here::run_here;

use crate::error::{Error, Result};
use crate::job::States;
use crate::queue::Queue;
use crate::record::{Finish, Next, Retention, WorkerRow};
use crate::registry::Registry;
use crate::status::{CancelReason, JobState};

/// Runs the jobs of a queue; made by [`Worker::builder`].
///
/// Embeds in any tokio program: it installs no signal handler and is safe to
/// drop, which is like killing it: nothing is lost, other workers rescue what
/// it ran. It notes the place of a panic inside a job by a panic hook, and
/// leaves all other panics to the hook that was there.
///
/// ```no_run
/// # async fn example(queue: plain_worker::Queue, pool: String) -> plain_worker::Result<()> {
/// use plain_worker::Worker;
///
/// let report = Worker::builder(queue)
///     .state(pool) // what `#[inject]` parameters of that type get
///     .concurrency(100)
///     .run_until(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
///     .await?;
/// println!("{} jobs succeeded", report.succeeded);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Worker;

impl Worker {
    /// A worker of that queue, with the default settings.
    pub fn builder(queue: Queue) -> WorkerBuilder {
        WorkerBuilder {
            queue,
            queues: None,
            states: States::default(),
            concurrency: 50,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            grace: Duration::from_secs(25),
            lease: Duration::from_secs(10),
            retention: Retention::default(),
            build: default_build(),
            own_runtime: None,
            drain: false,
        }
    }
}

/// The build that is recorded with every attempt: `PLAIN_WORKER_BUILD`, else this crate's version.
fn default_build() -> String {
    std::env::var("PLAIN_WORKER_BUILD")
        .ok()
        .filter(|build| !build.is_empty())
        .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
}

/// The settings of a [`Worker`].
#[derive(Debug)]
#[must_use = "a worker does nothing until `run_until`"]
pub struct WorkerBuilder {
    queue: Queue,
    queues: Option<Vec<String>>,
    states: States,
    concurrency: usize,
    threads: usize,
    grace: Duration,
    lease: Duration,
    retention: Retention,
    build: String,
    own_runtime: Option<usize>,
    drain: bool,
}

impl WorkerBuilder {
    /// Serves only these queues; all of them by default.
    pub fn queues<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.queues = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Serves all queues, whatever was said before.
    pub fn all_queues(mut self) -> Self {
        self.queues = None;
        self
    }

    /// What `#[inject]` parameters of this type get, as a clone; one value a type.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// All states at once.
    #[cfg(feature = "cli")]
    pub(crate) fn states(mut self, states: States) -> Self {
        self.states = states;
        self
    }

    /// The states alone, for a run without a worker.
    #[cfg(feature = "cli")]
    pub(crate) fn into_states(self) -> States {
        self.states
    }

    /// How many async jobs run at once: 50 by default, at least 1.
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// How many plain functions run at once, each on a thread of its own: one a core by default, at least 1.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// How long running jobs may go on after the shutdown began: 25 s by default.
    ///
    /// What still runs then is handed back for another worker; no attempt is used.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long after its last heartbeat this worker is taken for dead: 10 s by default, at least 1 s.
    ///
    /// The heartbeat is renewed five times as often, by a thread that jobs cannot starve.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// How long ended jobs are kept; this worker prunes the rest.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// The build that is recorded with every attempt; the crate's version or `PLAIN_WORKER_BUILD` by default.
    pub fn build(mut self, build: impl Into<String>) -> Self {
        self.build = build.into();
        self
    }

    /// Runs jobs on a runtime of their own with that many threads, so that one that never yields stalls
    /// only other jobs.
    pub fn own_runtime(mut self, threads: usize) -> Self {
        self.own_runtime = Some(threads.max(1));
        self
    }

    /// Returns when nothing is due in its queues, nothing runs here, and nothing is held by a dead worker.
    ///
    /// What is due later stays; so do paused queues and jobs that this program does not know.
    pub fn drain(mut self) -> Self {
        self.drain = true;
        self
    }

    /// Runs until `shutdown` ends, then stops cleanly: at the latest 1 s after the grace period.
    ///
    /// # Errors
    /// When it cannot start: two jobs of one name, a state that a job needs
    /// and the worker lacks, no jobs at all, no or older tables. An outage of
    /// the database later is waited out and is no error.
    pub async fn run_until<S: Future<Output = ()>>(self, shutdown: S) -> Result<WorkerReport> {
        let Self { queue, queues, states, concurrency, threads, grace, lease, retention, build, own_runtime, drain } =
            self;
        let registry = Registry::of_program()?;
        check(registry, &states)?;
        queue.prepare().await?;
        let knows: BTreeMap<_, _> = registry.shapes().map(|(name, shape)| (name.to_owned(), shape)).collect();
        let config = Arc::new(Config {
            id: Uuid::now_v7(),
            build,
            queues,
            knows,
            registry,
            states: Arc::new(states),
            concurrency,
            threads,
            lease,
            retention,
        });
        let row = config.row();
        queue.ask(move |store| async move { store.beat(row).await }).await?;
        let runtime = own_runtime.map(OwnRuntime::start).transpose()?;
        let jobs = match &runtime {
            Some(runtime) => runtime.handle(),
            None => Handle::current(),
        };
        tracing::info!(
            worker = %config.id, database = %queue.describe(), jobs = registry.jobs().len(), concurrency, threads,
            build = %config.build, "worker started"
        );
        let parts = Parts::start(&queue, &config, jobs)?;
        tokio::select! {
            () = shutdown => {}
            () = parts.drained(&queue, &config), if drain => {}
        }
        Ok(parts.stop(&queue, &config, grace).await)
    }
}

/// Every injected parameter of every job must have its value, now and not at the first run.
fn check(registry: &Registry, states: &States) -> Result<()> {
    if registry.jobs().is_empty() {
        return Err(Error::Worker(
            "this program has no jobs: write `#[job]` above a function; jobs of another crate are only linked when \
             something of it is named, for example by `use your_crate as _;`"
                .to_owned(),
        ));
    }
    let mut missing = Vec::new();
    for job in registry.jobs() {
        for parameter in job.injected {
            if let Err(error) = (parameter.check)(states) {
                missing.push(format!("job `{}` ({}) needs `{parameter:?}`: {error}", job.name, job.place()));
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::Worker(missing.join("\n"))) }
}

/// What a worker is, for all its parts.
#[derive(Debug)]
struct Config {
    id: Uuid,
    build: String,
    /// The queues that it serves; all when `None`.
    queues: Option<Vec<String>>,
    /// Names (aliases too) with their shapes.
    knows: BTreeMap<String, String>,
    registry: &'static Registry,
    states: Arc<States>,
    concurrency: usize,
    threads: usize,
    lease: Duration,
    retention: Retention,
}

impl Config {
    fn row(&self) -> WorkerRow {
        WorkerRow {
            id: self.id,
            host: life::host(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: self.build.clone(),
            queues: self.queues.clone(),
            knows: self.knows.clone(),
            concurrency: u32::try_from(self.concurrency + self.threads).unwrap_or(u32::MAX),
            lease: self.lease,
        }
    }
}

/// What a worker did, from its start to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerReport {
    /// Jobs that ended well.
    pub succeeded: u64,
    /// Attempts that failed and are tried again.
    pub retrying: u64,
    /// Jobs that failed for good.
    pub dead: u64,
    /// Jobs that ended in another way: cancelled or expired.
    pub other: u64,
    /// Running jobs that were given back at the shutdown, or put off.
    pub handed_back: u64,
    /// Whether everything that ran was ended or handed back in time; what was not is rescued by other workers.
    pub clean: bool,
}

/// The report in the making.
#[derive(Debug, Default)]
struct Tally {
    succeeded: AtomicU64,
    retrying: AtomicU64,
    dead: AtomicU64,
    other: AtomicU64,
    handed_back: AtomicU64,
}

impl Tally {
    fn count(&self, finish: &Finish) {
        let counter = match &finish.next {
            Next::End(JobState::Succeeded) => &self.succeeded,
            Next::End(JobState::Dead) => &self.dead,
            Next::End(_) => &self.other,
            Next::Again(again) if again.state == JobState::Retrying => &self.retrying,
            Next::Again(_) => &self.handed_back,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn report(&self, clean: bool) -> WorkerReport {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WorkerReport {
            succeeded: read(&self.succeeded),
            retrying: read(&self.retrying),
            dead: read(&self.dead),
            other: read(&self.other),
            handed_back: read(&self.handed_back),
            clean,
        }
    }
}

/// The tasks of a worker. Dropping it ends them all, like a kill.
struct Parts {
    running: Arc<running::Running>,
    tally: Arc<Tally>,
    idle: Arc<Notify>,
    look: Arc<Notify>,
    /// Stops claiming and upkeep.
    stop: CancellationToken,
    /// Ends async jobs that outstay the grace period.
    kill: CancellationToken,
    /// Stops the heartbeat, last of all; also when the worker is dropped.
    heartbeat: DropGuard,
    fetcher: AbortOnDropHandle<()>,
    finisher: AbortOnDropHandle<()>,
    _kill_on_drop: DropGuard,
    _upkeep: Vec<AbortOnDropHandle<()>>,
}

impl Parts {
    fn start(queue: &Queue, config: &Arc<Config>, jobs: Handle) -> Result<Self> {
        let spawn = |task| AbortOnDropHandle::new(task);
        let (stop, kill, heartbeat) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let running = Arc::<running::Running>::default();
        let tally = Arc::<Tally>::default();
        let (look, idle) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        life::keep_alive(queue.clone(), config.row(), heartbeat.clone())?;

        let (ends, received) = mpsc::unbounded_channel();
        let finisher = spawn(tokio::spawn(finisher::record_ends(queue.clone(), received, Arc::clone(&running))));
        let fetcher = Arc::new(fetch::Fetcher::new(
            queue.clone(),
            Arc::clone(config),
            Arc::clone(&running),
            Arc::clone(&tally),
            ends,
            Arc::clone(&look),
            stop.clone(),
            kill.clone(),
            jobs,
            Arc::clone(&idle),
        ));
        let fetcher = spawn(tokio::spawn(fetcher.claim_until_stopped()));

        let keeper = Arc::new(maintenance::Maintenance {
            queue: queue.clone(),
            config: Arc::clone(config),
            running: Arc::clone(&running),
            look: Arc::clone(&look),
            stop: stop.clone(),
        });
        let upkeep = vec![
            spawn(tokio::spawn(Arc::clone(&keeper).promote_until_stopped())),
            // Told of cancellations until the very end.
            spawn(tokio::spawn(
                Arc::new(maintenance::Maintenance {
                    queue: queue.clone(),
                    config: Arc::clone(config),
                    running: Arc::clone(&running),
                    look: Arc::clone(&look),
                    stop: heartbeat.clone(),
                })
                .notice_until_stopped(),
            )),
            spawn(tokio::spawn(Arc::clone(&keeper).rescue_until_stopped())),
            spawn(tokio::spawn(Arc::clone(&keeper).unpark_until_stopped())),
            spawn(tokio::spawn(keeper.prune_until_stopped())),
            spawn(tokio::spawn(look_when_enqueued(queue.clone(), Arc::clone(&look)))),
            spawn(tokio::spawn(look_when_announced(queue.clone(), Arc::clone(&look)))),
        ];
        Ok(Self {
            running,
            tally,
            idle,
            look,
            stop,
            _kill_on_drop: kill.clone().drop_guard(),
            kill,
            heartbeat: heartbeat.drop_guard(),
            fetcher,
            finisher,
            _upkeep: upkeep,
        })
    }

    /// Waits until there is nothing left to do for this worker.
    async fn drained(&self, queue: &Queue, config: &Arc<Config>) {
        loop {
            self.idle.notified().await;
            self.running.idle().await;
            let (worker, queues) = (config.id, config.queues.clone());
            let knows = config.knows.keys().cloned().collect();
            match queue.ask(move |store| async move { store.undrained(worker, queues, knows).await }).await {
                Ok(0) => return,
                Ok(_) => self.look.notify_one(),
                Err(error) => tracing::warn!(%error, "could not look for what is left"),
            }
        }
    }

    /// The shutdown, in its order: claim no more, let jobs end, hand back the rest, record it, sign off.
    async fn stop(self, queue: &Queue, config: &Arc<Config>, grace: Duration) -> WorkerReport {
        tracing::info!(worker = %config.id, running = self.running.tokens().len(), ?grace, "worker stopping");
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
            self.kill.cancel();
            clean = tokio::time::timeout(finisher::LAST_WRITE, self.running.idle()).await.is_ok();
        }
        drop(self.finisher);
        drop(self.heartbeat);
        let worker = config.id;
        let left = queue.run(Duration::from_millis(200), move |store| async move { store.leave(worker).await }).await;
        if let Err(error) = left {
            tracing::debug!(%error, "could not sign off; the lease will end by itself");
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
async fn look_when_announced(queue: Queue, look: Arc<Notify>) {
    let mut pause = backoff::Reconnect::new();
    loop {
        let ring = Arc::clone(&look);
        let since = std::time::Instant::now();
        if let Err(error) = queue.listen(Arc::new(move || ring.notify_one())).await {
            if since.elapsed() > Duration::from_secs(10) {
                pause.reset();
            }
            let wait = pause.next();
            tracing::warn!(%error, ?wait, "wake-ups are not heard; jobs start with the next look, within a second");
            tokio::time::sleep(wait).await;
        }
    }
}

/// A runtime for jobs alone.
struct OwnRuntime(Option<tokio::runtime::Runtime>);

impl OwnRuntime {
    fn start(threads: usize) -> Result<Self> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("plain-worker jobs")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| Error::Worker(format!("no threads could be started for the jobs: {error}")))
    }

    fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // Waiting for its threads could take for ever, and is not allowed in async code.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
