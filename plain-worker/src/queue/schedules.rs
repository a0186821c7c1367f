//! The door to the schedules: look at them, pause them, run them now, add some at run time.

use std::time::Duration;

use super::{LONGEST_NAME, Queue};
use crate::error::{Error, Refused, Result};
use crate::job::{Job, PayloadError};
use crate::ledger::{Definition, ScheduleRow, ScheduleRun};
use crate::payload;
use crate::record::{CancelAnswer, JobId, LiveWorker};
use crate::registry::{Registry, nearest};
use crate::schedule::Schedule;
use crate::status::{CatchUp, Overlap, ScheduleState};

/// How often a change is tried that others get in the way of.
const TRIES: u32 = 10;

/// The schedules of a queue; made by [`Queue::schedules`].
///
/// What is changed here is stored in the database, is noted in the audit, and
/// takes effect on all workers within seconds.
///
/// ```no_run
/// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
/// # use plain_worker::{NewSchedule, job, schedule::Schedule};
/// #[job]
/// async fn report(region: String) {}
///
/// let schedules = queue.schedules();
/// let nine = Schedule::parse_in("0 9 * * *", "Asia/Tokyo").unwrap();
/// schedules.add(NewSchedule::new("report-jp", nine, report { region: "jp".into() })).await?;
/// schedules.run_now("report-jp").await?;
/// schedules.pause("report-jp").await?;
/// for row in schedules.list().await? {
///     println!("{}: {} ({})", row.name, row.expression, row.state);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Schedules {
    queue: Queue,
    by: String,
}

impl Queue {
    /// The schedules of this queue: those in the code of its workers, and those added at run time.
    #[must_use]
    pub fn schedules(&self) -> Schedules {
        Schedules { queue: self.clone(), by: String::new() }
    }
}

impl Schedules {
    /// All of them, by name; a schedule in code is there once a worker has started with it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(&self) -> Result<Vec<ScheduleRow>> {
        let (rows, workers) =
            self.queue.ask(|store| async move { Ok((store.schedules().await?, store.live_workers().await?)) }).await?;
        let mut all = Vec::with_capacity(rows.len());
        for mut row in rows {
            judge(&mut row, &workers);
            if let Some(id) = row.last_job
                && let Some(job) = self.queue.job(id).await?
            {
                row.last_state = Some(job.state);
                row.last_error = job.error;
            }
            all.push(row);
        }
        Ok(all)
    }

    /// The one of that name.
    ///
    /// # Errors
    /// [`Error::NoSuchSchedule`] when there is none.
    pub async fn get(&self, name: &str) -> Result<ScheduleRow> {
        let mut all = self.list().await?;
        match all.iter().position(|row| row.name == name) {
            Some(at) => Ok(all.swap_remove(at)),
            None => Err(self.missing(name, all.iter().map(|row| row.name.as_str()))),
        }
    }

    /// The latest runs of these schedules, at most so many of each and newest first, one that has not ended before all.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn runs(&self, of: &[ScheduleRow], each: u32) -> Result<Vec<ScheduleRun>> {
        let names = of.iter().map(|row| row.name.clone()).collect();
        let ended = self.queue.ask(move |store| async move { store.runs_of_schedules(names, each).await }).await?;
        let mut runs = Vec::with_capacity(ended.len());
        for row in of {
            if let (Some(id), Some(false)) = (row.last_job, row.last_state.map(|state| state.is_final()))
                && let Some(job) = self.queue.job(id).await?
                && !job.state.is_final()
            {
                runs.push(ScheduleRun {
                    schedule: row.name.clone(),
                    id,
                    state: job.state,
                    slot: job.slot,
                    due_at: job.due_at,
                    started_at: job.started_at,
                    ended_at: None,
                });
            }
        }
        runs.extend(ended);
        Ok(runs)
    }

    /// The same, with the name of who wants it, which is noted with each change.
    #[must_use]
    pub fn by(mut self, who: impl AsRef<str>) -> Self {
        self.by = payload::storable_text(who.as_ref(), LONGEST_NAME);
        self
    }

    /// Stops its slots from becoming runs, until it is resumed; what waits or runs goes on.
    ///
    /// # Errors
    /// [`Error::NoSuchSchedule`] when there is none of that name.
    pub async fn pause(&self, name: &str) -> Result<()> {
        let (wanted, by) = (name.to_owned(), Some(self.by.clone()).filter(|by| !by.is_empty()));
        let found = self.queue.ask(|store| async move { store.pause_schedule(wanted, by).await }).await?;
        self.must_be_there(name, found).await?;
        self.note("pause", name).await
    }

    /// Lets its slots become runs from now on; those that passed in the pause do not.
    ///
    /// # Errors
    /// [`Error::NoSuchSchedule`] when there is none of that name.
    pub async fn resume(&self, name: &str) -> Result<()> {
        let wanted = name.to_owned();
        let found = self.queue.ask(|store| async move { store.resume_schedule(wanted).await }).await?;
        self.must_be_there(name, found).await?;
        self.note("resume", name).await
    }

    /// Has a worker run it now, also when it is paused; the answer is the id that the job will have.
    ///
    /// It starts when the run before it has ended (at once with [`Overlap::Allow`]) and has no slot. Asked again before
    /// that, the answer is the same id.
    ///
    /// # Errors
    /// [`Error::NoSuchSchedule`] when there is none of that name, [`Error::Schedule`] when no worker that lives has it.
    pub async fn run_now(&self, name: &str) -> Result<JobId> {
        let row = self.get(name).await?;
        if matches!(row.state, ScheduleState::Stopped | ScheduleState::Broken) {
            return Err(refused(name, format!("cannot be run: {}", row.problem.unwrap_or_default())));
        }
        let (wanted, id) = (name.to_owned(), JobId::generate());
        match self.queue.ask(move |store| async move { store.run_schedule(wanted, id).await }).await? {
            Some(id) => {
                self.note("run now", name).await?;
                Ok(id)
            }
            None => Err(self.missing(name, [])),
        }
    }

    /// Puts one in at run time, for a job that this program or a live worker has; its times begin now.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] when nobody has the job, [`Error::Schedule`] when the name is taken or something cannot be stored.
    pub async fn add(&self, new: NewSchedule) -> Result<()> {
        let NewSchedule { definition, refused: wrong } = new;
        let name = definition.name.clone();
        if let Some(reason) = wrong {
            return Err(refused(&name, reason));
        }
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
            return Err(refused(
                &name,
                format!("cannot be stored: its name must have 1 to {LONGEST_NAME} bytes without NUL"),
            ));
        }
        let definition = self.checked(definition).await?;
        if self.queue.ask(|store| async move { store.add_schedule(definition).await }).await? {
            self.note("add", &name).await
        } else {
            Err(refused(&name, "exists already: change it, or remove it first".to_owned()))
        }
    }

    /// Changes one that was added at run time. New times begin now.
    ///
    /// # Errors
    /// [`Error::NoSuchSchedule`] when there is none of that name, [`Error::Schedule`] when it stands in code or something
    /// cannot be stored.
    pub async fn change(&self, name: &str, change: ScheduleChange) -> Result<()> {
        for _ in 0..TRIES {
            let row = self.get(name).await?;
            if !row.dynamic {
                return Err(refused(name, "stands in the code of a worker: change it there".to_owned()));
            }
            let generation = row.generation;
            let definition = self.checked(change.clone().apply(row.definition())).await?;
            if self.queue.ask(move |store| async move { store.change_schedule(definition, generation).await }).await? {
                return self.note("change", name).await;
            }
        }
        Err(refused(name, "is being changed by others all the time: try again".to_owned()))
    }

    /// Takes one away that was added at run time, or that no worker has in its code any more, and cancels its jobs that
    /// wait; the answer is how many.
    ///
    /// # Errors
    /// [`Error::NoSuchSchedule`] when there is none of that name, [`Error::Schedule`] when it stands in the code of a live
    /// worker.
    pub async fn remove(&self, name: &str) -> Result<u64> {
        let row = self.get(name).await?;
        if !row.dynamic && row.state != ScheduleState::Stopped {
            let reason = "stands in the code of a worker: pause it, or take it out of the code";
            return Err(refused(name, reason.to_owned()));
        }
        let wanted = name.to_owned();
        let found = self.queue.ask(|store| async move { store.remove_schedule(wanted).await }).await?;
        self.must_be_there(name, found).await?;
        self.note("remove", name).await?;
        let wanted = name.to_owned();
        let waiting = self.queue.ask(|store| async move { store.jobs_of_schedule(wanted).await }).await?;
        let mut cancelled = 0;
        for id in waiting {
            match self.queue.cancel_by(id, "the removal of its schedule").await {
                Ok(CancelAnswer::Cancelled) => cancelled += 1,
                // It started or ended in between.
                Ok(_) | Err(Error::NoSuchJob { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cancelled)
    }

    /// The definition with the job's own name and queue, once its job is known and can read its arguments.
    async fn checked(&self, definition: Definition) -> Result<Definition> {
        let size = definition.arguments.len();
        let limit = self.queue.payload_limit();
        if size > limit {
            return Err(Refused::TooLarge { job: definition.job, size, limit }.into());
        }
        let registry = Registry::of_program()?;
        if let Some(job) = registry.get(&definition.job) {
            return match (job.check)(&definition.arguments) {
                Ok(()) | Err(PayloadError::Missing(_)) => {
                    let queue = Some(job.options.queue.to_owned());
                    Ok(Definition { job: job.name.to_owned(), queue, ..definition })
                }
                Err(error) => {
                    let reason = format!("does not fit: job `{}` cannot read the arguments: {error}", job.name);
                    Err(refused(&definition.name, reason))
                }
            };
        }
        if let Err(error) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&definition.arguments) {
            return Err(refused(
                &definition.name,
                format!("cannot be stored: its arguments are no JSON object: {error}"),
            ));
        }
        let workers = self.queue.ask(|store| async move { store.live_workers().await }).await?;
        if workers.iter().any(|worker| worker.knows.contains_key(&definition.job)) {
            return Ok(definition);
        }
        let known = workers.iter().flat_map(|worker| worker.knows.keys().map(String::as_str));
        let known = known.chain(registry.jobs().iter().map(|job| job.name));
        Err(Error::UnknownJob { nearest: nearest(&definition.job, known), name: definition.job.clone() })
    }

    /// Notes who changed what.
    async fn note(&self, action: &str, name: &str) -> Result<()> {
        self.queue.note_change(&self.by, action, &format!("schedule:{name}"), 1).await
    }

    async fn must_be_there(&self, name: &str, found: bool) -> Result<()> {
        if found {
            return Ok(());
        }
        let rows = self.queue.ask(|store| async move { store.schedules().await }).await?;
        Err(self.missing(name, rows.iter().map(|row| row.name.as_str())))
    }

    fn missing<'n>(&self, name: &str, known: impl IntoIterator<Item = &'n str>) -> Error {
        Error::NoSuchSchedule { name: name.to_owned(), nearest: nearest(name, known), database: self.queue.describe() }
    }
}

fn refused(name: &str, reason: String) -> Error {
    Error::Schedule { name: name.to_owned(), reason }
}

/// Says whether its slots become runs, and if not, why.
fn judge(row: &mut ScheduleRow, workers: &[LiveWorker]) {
    let has = |worker: &LiveWorker| {
        if row.dynamic { worker.knows.contains_key(&row.job) } else { worker.schedules.contains_key(&row.name) }
    };
    let serves = |worker: &LiveWorker, queue: &String| worker.queues.as_ref().is_none_or(|all| all.contains(queue));
    let unserved = row.queue.as_ref().filter(|queue| !workers.iter().any(|worker| serves(worker, queue)));
    let (state, problem) = if let Err(error) = row.schedule() {
        (ScheduleState::Broken, Some(error.to_string()))
    } else if !workers.iter().any(has) {
        let what = if row.dynamic { format!("job `{}`", row.job) } else { "it in its code".to_owned() };
        (ScheduleState::Stopped, Some(format!("no worker that lives has {what}: nothing is run")))
    } else if row.paused_at.is_some() {
        (ScheduleState::Paused, None)
    } else if let Some(queue) = unserved {
        (ScheduleState::Unserved, Some(format!("no worker that lives serves its queue `{queue}`: its jobs wait")))
    } else {
        (ScheduleState::Active, None)
    };
    (row.state, row.problem) = (state, problem);
}

/// A schedule that is added at run time.
///
/// See [`Schedules::add`].
#[derive(Clone, Debug)]
#[must_use = "nothing is added until `Schedules::add`"]
pub struct NewSchedule {
    definition: Definition,
    refused: Option<String>,
}

impl NewSchedule {
    /// Runs this job with these arguments; a schedule without a zone is in UTC.
    pub fn new<J: Job>(name: impl Into<String>, schedule: Schedule, job: J) -> Self {
        let new = Self::by_name(name, schedule, J::DEFINITION.name);
        match payload::to_json(&job) {
            Ok(arguments) => new.arguments(arguments),
            Err(reason) => Self { refused: Some(format!("cannot be stored: its arguments: {reason}")), ..new },
        }
    }

    /// Runs the job of that name, without arguments; a schedule without a zone is in UTC.
    pub fn by_name(name: impl Into<String>, schedule: Schedule, job: impl Into<String>) -> Self {
        let definition = Definition {
            name: name.into(),
            job: job.into(),
            queue: None,
            expression: schedule.expression().to_owned(),
            timezone: schedule.zone().name().to_owned(),
            arguments: "{}".to_owned(),
            catch_up: CatchUp::Latest,
            overlap: Overlap::Skip,
            window: None,
            dynamic: true,
        };
        Self { definition, refused: None }
    }

    /// The arguments of its runs, as JSON text.
    pub fn arguments(mut self, json: impl Into<String>) -> Self {
        self.definition.arguments = json.into();
        self
    }

    /// Which slots missed in a downtime are run: the latest unless given.
    pub fn catch_up(mut self, catch_up: CatchUp) -> Self {
        self.definition.catch_up = catch_up;
        self
    }

    /// What becomes of a slot while the run before it goes on: it is skipped unless given.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.definition.overlap = overlap;
        self
    }

    /// How old a missed slot may be to be run under [`CatchUp::Latest`]; the worker's setting unless given.
    pub fn window(mut self, window: Duration) -> Self {
        self.definition.window = Some(window);
        self
    }
}

/// What is changed about a schedule that was added at run time; what is not named stays.
///
/// See [`Schedules::change`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is changed until `Schedules::change`"]
pub struct ScheduleChange {
    schedule: Option<Schedule>,
    zone: Option<chrono_tz::Tz>,
    arguments: Option<String>,
    catch_up: Option<CatchUp>,
    overlap: Option<Overlap>,
    window: Option<Duration>,
}

impl ScheduleChange {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other times; without a zone of its own the schedule stays in the zone that it had.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// Another zone.
    pub fn zone(mut self, zone: chrono_tz::Tz) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Other arguments, as JSON text.
    pub fn arguments(mut self, json: impl Into<String>) -> Self {
        self.arguments = Some(json.into());
        self
    }

    /// Another policy for slots missed in a downtime.
    pub fn catch_up(mut self, catch_up: CatchUp) -> Self {
        self.catch_up = Some(catch_up);
        self
    }

    /// Another policy for a slot while the run before it goes on.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = Some(overlap);
        self
    }

    /// How old a missed slot may be to be run.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    fn apply(self, mut definition: Definition) -> Definition {
        if let Some(schedule) = self.schedule {
            schedule.expression().clone_into(&mut definition.expression);
            if schedule.has_zone() {
                schedule.zone().name().clone_into(&mut definition.timezone);
            }
        }
        if let Some(zone) = self.zone {
            zone.name().clone_into(&mut definition.timezone);
        }
        definition.arguments = self.arguments.unwrap_or(definition.arguments);
        definition.catch_up = self.catch_up.unwrap_or(definition.catch_up);
        definition.overlap = self.overlap.unwrap_or(definition.overlap);
        definition.window = self.window.or(definition.window);
        definition
    }
}
