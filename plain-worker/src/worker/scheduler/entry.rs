//! The schedules that the code of this program has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use crate::error::{Error, Result};
use crate::job::{BoxError, Job, JobDef, ScheduleDef};
use crate::ledger::Definition;
use crate::payload;
use crate::queue::LONGEST_NAME;
use crate::registry::Registry;
use crate::schedule::Schedule;
use crate::status::{CatchUp, Overlap, UnknownWord};

/// Makes the arguments of a run as JSON text, anew for each slot.
pub(crate) type MakeArguments = Arc<dyn Fn() -> Result<String, BoxError> + Send + Sync>;

/// What can be put on a schedule by [`WorkerBuilder::schedule`](crate::WorkerBuilder::schedule): any job.
pub trait Schedulable {
    /// The job and the arguments of its runs, or why it cannot be scheduled.
    #[doc(hidden)]
    fn on_schedule(self) -> Result<Scheduled, String>;
}

/// What a schedule runs.
#[doc(hidden)]
pub struct Scheduled {
    pub(crate) job: &'static JobDef,
    /// The arguments as far as they tell one schedule from another: they need not be those of a run.
    pub(crate) given: String,
    pub(crate) arguments: MakeArguments,
}

impl<J: Job> Schedulable for J {
    fn on_schedule(self) -> Result<Scheduled, String> {
        let arguments = payload::to_json(&self)?;
        let given = payload::canonical(&arguments);
        let given = if J::DEFINITION.arguments.is_empty() { String::new() } else { given };
        Ok(Scheduled { job: J::DEFINITION, given, arguments: Arc::new(move || Ok(arguments.clone())) })
    }
}

/// A job that this program has on a schedule.
pub(crate) struct ScheduledJob {
    pub what: Scheduled,
    /// In the worker's time zone where it has none of its own.
    pub schedule: Schedule,
    /// Its identity; without one it is known by what it says.
    pub name: Option<String>,
    pub catch_up: CatchUp,
    pub overlap: Overlap,
    /// How old a missed slot may be; the worker's setting when none.
    pub window: Option<Duration>,
    /// Where it stands in the source, for people.
    pub place: String,
}

impl ScheduledJob {
    /// Something on a schedule, with the default options.
    ///
    /// # Errors
    /// [`Error::Worker`] when one of both is not what it should be.
    pub fn new(what: impl Schedulable, when: &str, place: String) -> Result<Self> {
        let wrong = |error: String| Error::Worker(format!("a schedule ({place}): {error}"));
        Ok(Self {
            what: what.on_schedule().map_err(wrong)?,
            schedule: Schedule::parse(when).map_err(|error| wrong(error.to_string()))?,
            name: None,
            catch_up: CatchUp::Latest,
            overlap: Overlap::Skip,
            window: None,
            place,
        })
    }

    /// What a `#[scheduled]` says.
    ///
    /// # Errors
    /// A word, expression or zone that the macro would have refused.
    fn of(job: &'static JobDef, def: &'static ScheduleDef) -> Result<Self> {
        let wrong =
            |error: String| Error::Worker(format!("a schedule of job `{}` ({}): {error}", job.name, job.place()));
        let parsed = match def.zone {
            Some(zone) => Schedule::parse_in(def.expression, zone),
            None => Schedule::parse(def.expression),
        };
        let word = |error: UnknownWord| wrong(error.to_string());
        Ok(Self {
            what: Scheduled { job, given: def.given.to_owned(), arguments: Arc::new(def.arguments) },
            schedule: parsed.map_err(|error| wrong(error.to_string()))?,
            name: def.name.map(str::to_owned),
            catch_up: def.catch_up.map_or(Ok(CatchUp::Latest), str::parse).map_err(word)?,
            overlap: def.overlap.map_or(Ok(Overlap::Skip), str::parse).map_err(word)?,
            window: def.window,
            place: job.place(),
        })
    }

    /// What it is known by without a name: job, arguments, expression and zone.
    fn identity(&self, schedule: &Schedule) -> String {
        let given = if self.what.given.is_empty() { String::new() } else { format!("({})", self.what.given) };
        let text = format!("{}{given} {} {}", self.what.job.name, schedule.expression(), schedule.zone());
        if text.len() <= LONGEST_NAME {
            return text;
        }
        let hash = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
        let most = LONGEST_NAME - hash.len() - "… ".len();
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        format!("{}… {hash}", text.get(..end).unwrap_or_default())
    }
}

impl std::fmt::Debug for ScheduledJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.what.job.name, self.schedule)
    }
}

/// One schedule with its identity.
#[derive(Debug)]
pub(super) struct Entry {
    pub scheduled: ScheduledJob,
    /// With its zone.
    pub schedule: Arc<Schedule>,
    pub definition: Definition,
    pub fingerprint: String,
}

/// All schedules in the code of this program, each known by another name.
#[derive(Debug, Default)]
pub(in crate::worker) struct Timetable {
    pub(super) entries: Vec<Entry>,
}

impl Timetable {
    /// Those of the registered jobs, and others beside them.
    ///
    /// # Errors
    /// Two schedules of one name: the text names both places.
    pub fn of(registry: &Registry, others: Vec<Result<ScheduledJob>>, zone: Tz) -> Result<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashMap<String, String> = HashMap::new();
        let registered =
            registry.jobs().iter().flat_map(|job| job.schedules.iter().map(|def| ScheduledJob::of(job, def)));
        for scheduled in registered.chain(others) {
            let entry = Entry::new(scheduled?, zone);
            let name = entry.definition.name.clone();
            let place = entry.scheduled.place.clone();
            if let Some(other) = places.insert(name.clone(), place.clone()) {
                return Err(Error::Worker(format!(
                    "two schedules have the name `{name}`: {other} and {place}; give one of them another `name = \"..\"`"
                )));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// The name of each with what its definition says, as other workers are told.
    pub fn fingerprints(&self) -> BTreeMap<String, String> {
        self.entries.iter().map(|entry| (entry.definition.name.clone(), entry.fingerprint.clone())).collect()
    }
}

impl Entry {
    fn new(scheduled: ScheduledJob, zone: Tz) -> Self {
        let schedule = scheduled.schedule.clone().or_zone(zone);
        let name = scheduled.name.clone().unwrap_or_else(|| scheduled.identity(&schedule));
        // For people only: what a run gets is made when its slot is due.
        let arguments = crate::worker::panics::caught(|| (scheduled.what.arguments)());
        let definition = Definition {
            name,
            job: scheduled.what.job.name.to_owned(),
            queue: Some(scheduled.what.job.options.queue.to_owned()),
            expression: schedule.expression().to_owned(),
            timezone: schedule.zone().name().to_owned(),
            arguments: arguments.ok().and_then(Result::ok).unwrap_or_else(|| "null".to_owned()),
            catch_up: scheduled.catch_up,
            overlap: scheduled.overlap,
            window: scheduled.window,
            dynamic: false,
        };
        let fingerprint = definition.fingerprint(&scheduled.what.given);
        Self { scheduled, schedule: Arc::new(schedule), definition, fingerprint }
    }
}
