//! Turns the slots of schedules into requests when they are due.
//!
//! Every worker does it, and none leads: the row of a schedule says up to which
//! instant its slots are settled, and settling the next one and inserting its
//! request are one transaction, conditional on that instant. Clocks of workers
//! decide nothing; they only tell how long to wait for the database's.

mod due;
mod entry;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub(super) use entry::Timetable;

use super::backoff::Reconnect;
use super::config::Config;
use super::panics;
use crate::error::Result;
use crate::job::{JobDef, PayloadError};
use crate::ledger::{Fired, Passed, ScheduleRow, Step, Wish, source};
use crate::queue::{self, Queue};
use crate::record::NewRequest;
use crate::schedule::Schedule;
use crate::status::Overlap;
use crate::store::Clock;
use due::{Due, Slots, slots};
use entry::Entry;

/// How often the rows are read: how soon a pause, a run by hand or a new schedule takes effect.
const TICK: Duration = Duration::from_secs(1);
/// The same over a clock that tests move.
const MOVED_TICK: Duration = Duration::from_millis(5);
/// The shortest wait between two looks.
const SHORTEST: Duration = Duration::from_millis(2);
/// How many steps one transaction takes.
const PIECE: usize = 100;

/// Runs the schedules of this program, and those that were added at run time for its jobs.
pub(super) struct Scheduler {
    queue: Queue,
    config: Arc<Config>,
    /// Rung when something became ready.
    ready: Arc<Notify>,
    stop: CancellationToken,
    /// Set when the first look is over: what was due at the start is in the queue then.
    looked: watch::Sender<bool>,
    /// The expressions of dynamic schedules, by name, each with the generation that it was read from.
    read: HashMap<String, (i64, Option<Arc<Schedule>>)>,
    /// When the next slot of a schedule is due, by name.
    next: HashMap<String, Upcoming>,
    /// What has been complained of, so that it is told once.
    told: HashSet<String>,
}

/// When the next slot of a schedule is due, as long as it is of that generation and settled up to there.
struct Upcoming {
    generation: i64,
    settled_at: DateTime<Utc>,
    /// Never, if there is none.
    slot: Option<DateTime<Utc>>,
}

/// How the runs of a schedule are made.
struct Plan<'p> {
    row: &'p ScheduleRow,
    job: &'static JobDef,
    schedule: Arc<Schedule>,
    /// None for a dynamic one, whose row has the arguments.
    entry: Option<&'p Entry>,
}

impl Scheduler {
    pub(super) fn new(
        queue: Queue,
        config: Arc<Config>,
        ready: Arc<Notify>,
        stop: CancellationToken,
        looked: watch::Sender<bool>,
    ) -> Self {
        let (read, next, told) = Default::default();
        Self { queue, config, ready, stop, looked, read, next, told }
    }

    /// Looks when the next slot is due, and once a second.
    pub(super) async fn run_until_stopped(mut self) {
        let mut pause = Reconnect::new();
        let tick = if self.queue.store().clock() == Clock::Movable { MOVED_TICK } else { TICK };
        while !self.stop.is_cancelled() {
            let wait = match self.look().await {
                Ok(next) => {
                    pause.reset();
                    next.map_or(tick, |next| next.clamp(SHORTEST, tick))
                }
                Err(error) => {
                    tracing::warn!(%error, "could not run schedules; trying again");
                    pause.next()
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Does what is due at this moment.
    pub(super) async fn look_until_settled(&mut self) -> Result<()> {
        while self.look().await? == Some(Duration::ZERO) {}
        Ok(())
    }

    /// Reads the rows and does what is due; the answer is how long nothing more is, as far as that is known.
    async fn look(&mut self) -> Result<Option<Duration>> {
        let config = Arc::clone(&self.config);
        let rows = self.queue.ask(|store| async move { store.schedules().await }).await?;
        // The clock of the rows goes on from here.
        let since = Instant::now();
        let registered = self.register(&config, &rows).await?;
        let mut steps = Vec::new();
        let mut next: Option<DateTime<Utc>> = None;
        for plan in self.plans(&config, &rows) {
            match self.wish(&plan) {
                Ok(wish) => steps.push(plan.step(wish)),
                Err(later) => next = [next, later].into_iter().flatten().min(),
            }
        }
        self.next.retain(|name, _| rows.iter().any(|row| row.name == *name));
        self.read.retain(|name, _| rows.iter().any(|row| row.name == *name));
        if self.take(steps).await? || registered {
            return Ok(Some(Duration::ZERO));
        }
        self.looked.send_replace(true);
        let now = rows.first().map(|row| row.now);
        let wait = next.zip(now).map(|(next, now)| (next - now).to_std().unwrap_or_default());
        Ok(wait.map(|wait| wait.saturating_sub(since.elapsed())))
    }

    /// Puts the schedules of the code into the database where it has none or older ones; whether it did.
    async fn register(&mut self, config: &Config, rows: &[ScheduleRow]) -> Result<bool> {
        let mut registered = false;
        for entry in &config.timetable.entries {
            let name = &entry.definition.name;
            match row_of(rows, name) {
                Some(row) if row.dynamic => {
                    self.tell_once(format!(
                        "schedule `{name}` ({}) does not run: one of that name was added at run time; remove that one, \
                         or give this one another `name = \"..\"`",
                        entry.job.place()
                    ));
                    continue;
                }
                Some(row) if row.fingerprint == entry.fingerprint || !self.is_latest(name).await? => continue,
                _ => {}
            }
            let (definition, fingerprint) = (entry.definition.clone(), entry.fingerprint.clone());
            let put =
                self.queue.ask(|store| async move { store.register_schedule(definition, fingerprint).await }).await;
            match put {
                Ok(()) => {
                    tracing::info!(schedule = %name, expression = %entry.schedule, zone = %entry.schedule.zone(), "schedule registered");
                    registered = true;
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => self.tell_once(format!("schedule `{name}` could not be registered: {error}")),
            }
        }
        Ok(registered)
    }

    /// Whether, of the workers that live and have a schedule of that name, this one started last: its definition counts.
    async fn is_latest(&self, name: &str) -> Result<bool> {
        let workers = self.queue.ask(|store| async move { store.live_workers().await }).await?;
        let latest = workers
            .iter()
            .filter(|worker| worker.schedules.contains_key(name))
            .max_by_key(|worker| (worker.started_at, worker.id));
        Ok(latest.is_some_and(|worker| worker.id == self.config.id))
    }

    /// What this worker can run: its own schedules whose rows are of its definition, and dynamic ones of its jobs.
    fn plans<'p>(&mut self, config: &'p Config, rows: &'p [ScheduleRow]) -> Vec<Plan<'p>> {
        let mut plans = Vec::new();
        for entry in &config.timetable.entries {
            let row = row_of(rows, &entry.definition.name);
            if let Some(row) = row.filter(|row| !row.dynamic && row.fingerprint == entry.fingerprint) {
                let schedule = Arc::clone(&entry.schedule);
                plans.push(Plan { row, job: entry.job, schedule, entry: Some(entry) });
            }
        }
        for row in rows.iter().filter(|row| row.dynamic) {
            let Some(job) = config.registry.get(&row.job) else { continue };
            if let Some(schedule) = self.read(row) {
                plans.push(Plan { row, job, schedule, entry: None });
            }
        }
        // Everybody takes rows, and the unique keys of their runs, in this order.
        plans.sort_by(|a, b| a.row.name.cmp(&b.row.name));
        plans
    }

    /// The expression of a dynamic schedule, read once for each of its generations.
    fn read(&mut self, row: &ScheduleRow) -> Option<Arc<Schedule>> {
        if let Some((generation, schedule)) = self.read.get(&row.name)
            && *generation == row.generation
        {
            return schedule.clone();
        }
        let schedule = match row.schedule() {
            Ok(schedule) => Some(Arc::new(schedule)),
            Err(error) => {
                tracing::error!(schedule = %row.name, %error, "a schedule cannot be read and does not run");
                None
            }
        };
        self.read.insert(row.name.clone(), (row.generation, schedule.clone()));
        schedule
    }

    /// What is to be done for a schedule now, or when its next slot is due.
    fn wish(&mut self, plan: &Plan<'_>) -> Result<Wish, Option<DateTime<Utc>>> {
        let row = plan.row;
        let free = !row.busy || row.overlap == Overlap::Allow;
        let later = match self.due(plan) {
            Slots::Due(due) if row.paused_at.is_none() => return Ok(plan.slots(due, &self.queue)),
            Slots::Due(_) => None,
            Slots::Later(next) => next,
        };
        if !free {
            return Err(later);
        }
        if let Some(slot) = row.waiting.first().copied()
            && row.paused_at.is_none()
        {
            return Ok(match plan.request(Some(slot), &self.queue) {
                Ok(request) => Wish::Waiting(request),
                Err(reason) => Wish::NotWaiting(Passed { count: 1, latest: slot, reason }),
            });
        }
        let Some(id) = row.run_now else { return Err(later) };
        match plan.request(None, &self.queue) {
            Ok(request) => Ok(Wish::ByHand(NewRequest { id, ..request })),
            Err(reason) => {
                self.tell_once(format!("schedule `{}` could not be run by hand: {reason}", row.name));
                Err(later)
            }
        }
    }

    fn due(&mut self, plan: &Plan<'_>) -> Slots {
        let row = plan.row;
        if let Some(known) = self.next.get(&row.name)
            && (known.generation, known.settled_at) == (row.generation, row.settled_at)
            && known.slot.is_none_or(|slot| slot > row.now)
        {
            return Slots::Later(known.slot);
        }
        let window = row.window.unwrap_or(self.config.catch_up_window);
        let slots = slots(&plan.schedule, row.settled_at, row.now, row.catch_up, window);
        if let Slots::Later(slot) = slots {
            let known = Upcoming { generation: row.generation, settled_at: row.settled_at, slot };
            self.next.insert(row.name.clone(), known);
        }
        slots
    }

    /// Takes steps, some at a time; whether any of them came to something.
    async fn take(&self, steps: Vec<Step>) -> Result<bool> {
        let mut acted = false;
        let mut queues = Vec::new();
        for piece in steps.chunks(PIECE) {
            for (step, fired) in piece.iter().zip(self.settle(piece).await?) {
                let Some(fired) = fired else { continue };
                acted = true;
                log(step, &fired);
                if !fired.jobs.is_empty() && !queues.contains(&step.queue) {
                    queues.push(step.queue.clone());
                }
            }
        }
        if !queues.is_empty() {
            self.queue.wake(queues);
            self.ready.notify_one();
        }
        Ok(acted)
    }

    /// All in one transaction; when the database refuses that, each alone, so that one never holds back the others.
    async fn settle(&self, steps: &[Step]) -> Result<Vec<Option<Fired>>> {
        let ask = |steps: &[Step]| {
            let steps: Arc<[Step]> = steps.into();
            self.queue.ask(|store| async move { store.settle(steps).await })
        };
        match ask(steps).await {
            Err(error) if !error.is_transient() => {}
            answer => return answer,
        }
        let mut all = Vec::with_capacity(steps.len());
        for step in steps {
            match ask(std::slice::from_ref(step)).await {
                Ok(fired) => all.extend(fired),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::error!(schedule = %step.name, %error, "a schedule could not be run");
                    all.push(None);
                }
            }
        }
        Ok(all)
    }

    fn tell_once(&mut self, complaint: String) {
        if !self.told.contains(&complaint) {
            tracing::error!("{complaint}");
            self.told.insert(complaint);
        }
    }
}

fn row_of<'r>(rows: &'r [ScheduleRow], name: &str) -> Option<&'r ScheduleRow> {
    rows.iter().find(|row| row.name == name)
}

impl Plan<'_> {
    fn step(&self, wish: Wish) -> Step {
        Step {
            name: self.row.name.clone(),
            generation: self.row.generation,
            settled_at: self.row.settled_at,
            overlap: self.row.overlap,
            queue: self.job.options.queue.to_owned(),
            wish,
        }
    }

    /// The requests of slots that are due; one that cannot be made is passed over.
    fn slots(&self, due: Due, queue: &Queue) -> Wish {
        let mut passed = due.passed.map(|(count, latest)| {
            let policy = self.row.catch_up;
            let reason = format!(
                "no worker was there at its time, and by `catch_up = \"{policy}\"` it was not run{}",
                match policy {
                    crate::CatchUp::Latest => " afterwards: a later one was, or it was too old",
                    crate::CatchUp::None => " afterwards",
                    crate::CatchUp::All => ": it was not among the latest ones",
                }
            );
            Passed { count, latest, reason }
        });
        let mut runs = Vec::new();
        for slot in due.runs {
            match self.request(Some(slot), queue) {
                Ok(request) => runs.push(request),
                Err(reason) => {
                    let count = passed.map_or(0, |passed| passed.count) + 1;
                    passed = Some(Passed { count, latest: slot, reason });
                }
            }
        }
        Wish::Slots { until: due.until, runs, passed }
    }

    /// The request of one run, or why it cannot be made.
    fn request(&self, slot: Option<DateTime<Utc>>, queue: &Queue) -> Result<NewRequest, String> {
        let arguments = match self.entry {
            Some(entry) => panics::caught(|| (entry.made.arguments)())
                .map_err(|panic| format!("its arguments could not be made: {panic}"))?
                .map_err(|error| format!("its arguments could not be made: {error}"))?,
            None => {
                let readable = panics::caught(|| (self.job.check)(&self.row.arguments));
                match readable.map_err(|panic| format!("its arguments cannot be read: {panic}"))? {
                    Ok(()) | Err(PayloadError::Missing(_)) => self.row.arguments.clone(),
                    Err(error) => return Err(format!("its arguments cannot be read: {error}")),
                }
            }
        };
        let mut request = queue::request(self.job, arguments, None);
        request.slot = slot;
        request.source = Some(source(&self.row.name));
        queue::check(&request, queue.payload_limit()).map_err(|refused| refused.to_string())?;
        Ok(request)
    }
}

fn log(step: &Step, fired: &Fired) {
    for (id, slot) in &fired.jobs {
        tracing::info!(schedule = %step.name, %id, slot = slot.map(tracing::field::display), "schedule runs");
    }
    if let Some(passed) = &fired.passed {
        tracing::warn!(
            schedule = %step.name, slots = passed.count, latest = %passed.latest, reason = %passed.reason,
            "slots of a schedule passed over"
        );
    }
}
