//! The settings of a worker, and its start.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::by_hand::ByHand;
use super::command::{CommandSettings, refuse_in_guard};
use super::config::{Config, check};
use super::hooks::Hooks;
use super::life;
use super::middleware::Layers;
use super::own_runtime::OwnRuntime;
use super::parts::Parts;
use super::report::WorkerReport;
use super::running::Running;
use super::scheduler::Timetable;
use crate::command::Command;
use crate::error::Result;
use crate::job::{JobDef, States};
use crate::pause::PauseTarget;
use crate::queue::Queue;
use crate::registry::Registry;
use crate::retention::Retention;
use crate::schedule::Schedule;
use crate::telling::JobLogs;

/// The build that is recorded with every attempt: `PLAIN_WORKER_BUILD`, else this crate's version.
fn default_build() -> String {
    std::env::var("PLAIN_WORKER_BUILD")
        .ok()
        .filter(|build| !build.is_empty())
        .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
}

/// The settings of a [`Worker`](super::Worker).
#[derive(Debug)]
#[must_use = "a worker does nothing until `run_until`"]
pub struct WorkerBuilder {
    queue: Queue,
    queues: Option<Vec<String>>,
    own_slots: BTreeMap<String, usize>,
    states: States,
    concurrency: usize,
    threads: usize,
    grace: Duration,
    lease: Duration,
    direct_database_url: Option<String>,
    process_ends: bool,
    retention: Retention,
    stats_every: Option<Duration>,
    build: String,
    own_runtime: Option<usize>,
    paused: bool,
    drain: bool,
    max_jobs: Option<u64>,
    time_zone: Tz,
    catch_up_window: Duration,
    commands: CommandSettings,
    job_logs: JobLogs,
    pub(super) layers: Layers,
    pub(super) hooks: Hooks,
}

impl WorkerBuilder {
    pub(super) fn new(queue: Queue) -> Self {
        Self {
            queue,
            queues: None,
            own_slots: BTreeMap::new(),
            states: States::default(),
            concurrency: 50,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            grace: Duration::from_secs(25),
            lease: Duration::from_secs(30),
            direct_database_url: None,
            process_ends: false,
            retention: Retention::default(),
            stats_every: None,
            build: default_build(),
            own_runtime: None,
            paused: false,
            drain: false,
            max_jobs: None,
            time_zone: Tz::UTC,
            catch_up_window: Duration::from_secs(24 * 60 * 60),
            commands: CommandSettings::default(),
            job_logs: JobLogs::default(),
            layers: Layers::default(),
            hooks: Hooks::default(),
        }
    }

    /// Serves only these queues; all of them by default, or where one of the names is `*`.
    ///
    /// They share the slots of [`concurrency`](Self::concurrency) and [`threads`](Self::threads), and are served in one
    /// order: by priority, then due time, whichever queue a job is in.
    pub fn queues<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        self.queues = (!names.iter().any(|name| name == "*")).then_some(names);
        self
    }

    /// Gives a queue slots of its own: so many of its jobs run at once, at least 1, and whatever they do, they take
    /// none of the others' slots, nor others theirs.
    ///
    /// Which other queues are served stays as it is. Plain functions of the queue have threads of their own, at most
    /// as many at once as [`threads`](Self::threads) says.
    ///
    /// ```no_run
    /// # use plain_worker::{Queue, Worker};
    /// # fn example(queue: Queue) {
    /// // Twenty mails, two films, and fifty of everything else.
    /// let worker = Worker::builder(queue).queue("mail", 20).queue("video", 2);
    /// # }
    /// ```
    pub fn queue(mut self, name: impl Into<String>, slots: usize) -> Self {
        self.own_slots.insert(name.into(), slots.max(1));
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
    /// What still runs then is handed back for another worker; no attempt is used. What cannot be stopped is not:
    /// see [`process_ends`](Self::process_ends).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long after its last heartbeat this worker is taken for dead although it holds on: 30 s by default, at
    /// least 1 s.
    ///
    /// A worker whose process died is noticed at once, by a lock that dies with it. The lease is for one that is
    /// frozen, and for all that reach Postgres through a pooler that works by transactions and holds no locks for
    /// them. The heartbeat comes from a thread that jobs cannot starve.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// Postgres: the server's own address, where that of the queue is a pooler's, for the two connections that need a
    /// session of their own: one shows that this worker lives, one hears of new jobs.
    ///
    /// A pooler that works by transactions keeps no sessions, so without this the lease decides, and jobs that were
    /// enqueued elsewhere are found within a second.
    pub fn direct_database_url(mut self, url: impl Into<String>) -> Self {
        self.direct_database_url = Some(url.into());
        self
    }

    /// Says that the process ends when [`run_until`](Self::run_until) returns.
    ///
    /// Then what nothing can stop (a plain function, an async one that never yields) is handed back at the end of the
    /// grace period, since it ends with the process. Without, such a job stays with this worker, which shows that it
    /// lives for as long as the job goes on: handed back, it would run twice at once.
    pub fn process_ends(mut self, ends: bool) -> Self {
        self.process_ends = ends;
        self
    }

    /// How long ended jobs are kept; this worker prunes the rest.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Logs a line of figures that often, at least every second: what ended since the last one, and what runs. None
    /// while the worker is idle, and none at all by default.
    pub fn stats_every(mut self, period: Duration) -> Self {
        self.stats_every = Some(period.max(Duration::from_secs(1)));
        self
    }

    /// Which log lines of each attempt are kept with its job: see [`logs`](crate::logs).
    ///
    /// A run that logs nothing costs nothing.
    pub fn job_logs(mut self, kept: JobLogs) -> Self {
        self.job_logs = kept;
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

    /// Starts without claiming anything, until somebody resumes it: for the first start after a restore from a backup.
    ///
    /// The pause is this worker's own and stands in [`Queue::pauses`] under its id; resuming
    /// [`PauseTarget::Everything`] ends that of all such workers. A worker that is started again waits again.
    pub fn paused(mut self, paused: bool) -> Self {
        self.paused = paused;
        self
    }

    /// The zone of schedules that name none: UTC by default.
    pub fn time_zone(mut self, zone: Tz) -> Self {
        self.time_zone = zone;
        self
    }

    /// How old the latest slot that was missed in a downtime may be to be run after it: 24 hours by default.
    ///
    /// A schedule's own `window = ".."` comes first.
    pub fn catch_up_window(mut self, window: Duration) -> Self {
        self.catch_up_window = window;
        self
    }

    /// Returns when nothing is due in its queues, nothing runs here, and nothing is held by a dead worker.
    ///
    /// What is due later stays; so do paused queues and jobs that this program does not know.
    pub fn drain(mut self) -> Self {
        self.drain = true;
        self
    }

    /// Returns after so many attempts (a few more, as many run at once), when those that run have ended, however long
    /// that takes; [`WorkerReport::used_up`] says so. For processes that are to be replaced from time to time.
    pub fn max_jobs(mut self, attempts: u64) -> Self {
        self.max_jobs = Some(attempts.max(1));
        self
    }

    /// Runs a command of the operating system by a schedule: `"@hourly"`, or a [`Schedule`] with a zone.
    ///
    /// Text that begins with `cmd:` is for the shell; a list of texts is a program with its
    /// arguments, which is safer; a [`Command`] says more. Only workers whose own code names a
    /// command run it: a row in the database never does.
    ///
    /// ```no_run
    /// # async fn example(queue: plain_worker::Queue) -> Result<(), Box<dyn std::error::Error>> {
    /// use plain_worker::schedule::Schedule;
    /// use plain_worker::{Command, Worker};
    ///
    /// plain_worker::guard_commands(); // in a `main` of one's own, as its first line
    ///
    /// Worker::builder(queue)
    ///     .schedule(["pg_dump", "--file=/backup/app.sql", "app"], "@daily")
    ///     .schedule("cmd:find /backup -mtime +30 -delete", "@weekly")
    ///     .schedule(Command::new("./report").directory("/srv/app").clear_env(), Schedule::parse_in("0 9 * * MON-FRI", "Europe/Berlin")?)
    ///     .run_until(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn schedule<S: TryInto<Schedule, Error: Display>>(mut self, command: impl Into<Command>, when: S) -> Self {
        let when = when.try_into().map_err(|error| error.to_string());
        self.commands.schedule(command.into(), when, Location::caller());
        self
    }

    /// The program that guards the commands of this worker, where it cannot be this program itself.
    ///
    /// By default it is this program, if [`guard_commands`](crate::guard_commands) was called (as
    /// `plain_worker::main()` does), else the `plain-worker` binary in its folder.
    pub fn command_guard(mut self, program: impl Into<PathBuf>) -> Self {
        self.commands.guard(program.into());
        self
    }

    /// Neither schedules nor runs commands: they are left to other workers.
    pub fn without_commands(mut self) -> Self {
        self.commands.without();
        self
    }

    /// What of the stored jobs this worker could not run; see [`check`](crate::check). Knows its own commands, too.
    ///
    /// # Errors
    /// When the database cannot be asked, or two jobs share a name.
    pub async fn check(mut self) -> Result<crate::CheckReport> {
        crate::check_with(&self.queue, &self.commands.registry()?).await
    }

    /// The worker without its tasks, with the schedules of these jobs alone.
    pub(crate) fn by_hand(mut self, scheduled: Vec<&'static JobDef>) -> Result<ByHand> {
        let registry = self.commands.registry()?;
        let timetable = Timetable::of(&Registry::of(scheduled)?, self.time_zone)?;
        let config = Config {
            id: Uuid::now_v7(),
            build: self.build,
            queues: self.queues,
            own_slots: self.own_slots,
            knows: registry.shapes().map(|(name, shape)| (name.to_owned(), shape)).collect(),
            registry,
            states: Arc::new(self.states),
            guard: None,
            concurrency: 1,
            threads: 1,
            lease: self.lease,
            retention: self.retention,
            stats_every: None,
            timetable,
            catch_up_window: self.catch_up_window,
            job_logs: self.job_logs,
            layers: self.layers,
            hooks: self.hooks,
            direct_database_url: None,
            process_ends: false,
        };
        Ok(ByHand::new(self.queue, config))
    }

    /// Runs until `shutdown` ends, then stops cleanly: at the latest 1 s after the grace period.
    ///
    /// # Errors
    /// When it cannot start: two jobs of one name, a state that a job needs
    /// and the worker lacks, a command without a guard, no jobs at all, no or older tables. An outage of
    /// the database later is waited out and is no error.
    pub async fn run_until<S: Future<Output = ()>>(self, shutdown: S) -> Result<WorkerReport> {
        let Self {
            queue,
            queues,
            own_slots,
            states,
            concurrency,
            threads,
            grace,
            lease,
            direct_database_url,
            process_ends,
            retention,
            stats_every,
            build,
            own_runtime,
            drain,
            max_jobs,
            time_zone,
            catch_up_window,
            mut commands,
            layers,
            hooks,
            paused,
            job_logs,
        } = self;
        refuse_in_guard()?;
        let registry = commands.registry()?;
        check(&registry, &states)?;
        let guard = commands.guard_for(&registry).await?;
        let timetable = Timetable::of(&registry, time_zone)?;
        queue.prepare().await?;
        let knows: BTreeMap<_, _> = registry.shapes().map(|(name, shape)| (name.to_owned(), shape)).collect();
        // A queue that was given slots is served.
        let queues = queues.map(|mut queues| {
            queues.retain(|queue| !own_slots.contains_key(queue));
            queues.extend(own_slots.keys().cloned());
            queues
        });
        let config = Arc::new(Config {
            id: Uuid::now_v7(),
            build,
            queues,
            own_slots,
            knows,
            registry,
            states: Arc::new(states),
            guard,
            concurrency,
            threads,
            lease,
            direct_database_url,
            process_ends,
            retention,
            stats_every,
            timetable,
            catch_up_window,
            job_logs,
            layers,
            hooks,
        });
        let running = Arc::<Running>::default();
        let life = life::begin(&queue, &config, Arc::clone(&running)).await?;
        let heartbeat = life.stop.clone().drop_guard();
        if paused {
            let target = PauseTarget::Worker(config.id.to_string());
            queue.pause(target, "its own start").await?;
            tracing::warn!(worker = %config.id, "started paused: resume `worker:{}` or `*`", config.id);
        }
        let runtime = own_runtime.map(OwnRuntime::start).transpose()?;
        let jobs = match &runtime {
            Some(runtime) => runtime.handle(),
            None => Handle::current(),
        };
        tracing::info!(
            worker = %config.id, database = %queue.describe(), jobs = config.registry.jobs().len(), concurrency, threads,
            build = %config.build, "worker started"
        );
        let parts = Parts::start(&queue, &config, jobs, running, life, heartbeat);
        let used_up = tokio::select! {
            () = shutdown => false,
            () = parts.drained(&queue, &config), if drain => false,
            () = parts.used_up(max_jobs.unwrap_or(u64::MAX)), if max_jobs.is_some() => true,
        };
        Ok(WorkerReport { used_up, ..parts.stop(&config, grace).await })
    }
}
