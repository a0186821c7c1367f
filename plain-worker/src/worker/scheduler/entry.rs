//! The schedules that the code of this program has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;

use crate::error::{Error, Result};
use crate::job::{JobDef, ScheduleDef};
use crate::ledger::Definition;
use crate::queue::LONGEST_NAME;
use crate::registry::Registry;
use crate::schedule::Schedule;
use crate::status::{CatchUp, Overlap, UnknownWord};
use crate::worker::panics;

/// One schedule with its identity.
#[derive(Debug)]
pub(super) struct Entry {
    pub job: &'static JobDef,
    /// What stands in the code; it makes the arguments of a run.
    pub made: &'static ScheduleDef,
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
    /// Those of the registered jobs; `zone` is for those that name none.
    ///
    /// # Errors
    /// Two schedules of one name: the text names both places.
    pub fn of(registry: &Registry, zone: Tz) -> Result<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashMap<String, String> = HashMap::new();
        for &job in registry.jobs() {
            for made in job.schedules {
                let entry = Entry::new(job, made, zone)?;
                let name = entry.definition.name.clone();
                if let Some(other) = places.insert(name.clone(), job.place()) {
                    return Err(Error::Worker(format!(
                        "two schedules have the name `{name}`: {other} and {}; give one of them another `name = \"..\"`",
                        job.place()
                    )));
                }
                entries.push(entry);
            }
        }
        Ok(Self { entries })
    }

    /// The name of each with what its definition says, as other workers are told.
    pub fn fingerprints(&self) -> BTreeMap<String, String> {
        self.entries.iter().map(|entry| (entry.definition.name.clone(), entry.fingerprint.clone())).collect()
    }
}

impl Entry {
    /// # Errors
    /// A word, expression or zone that the macro would have refused.
    fn new(job: &'static JobDef, made: &'static ScheduleDef, zone: Tz) -> Result<Self> {
        let wrong =
            |error: String| Error::Worker(format!("a schedule of job `{}` ({}): {error}", job.name, job.place()));
        let word = |error: UnknownWord| wrong(error.to_string());
        let schedule = match made.zone {
            Some(own) => Schedule::parse_in(made.expression, own),
            None => Schedule::parse(made.expression).map(|schedule| schedule.with_zone(zone)),
        };
        let schedule = schedule.map_err(|error| wrong(error.to_string()))?;
        // For people only: what a run gets is made when its slot is due.
        let arguments = panics::caught(|| (made.arguments)());
        let definition = Definition {
            name: made.name.map_or_else(|| identity(job, made, &schedule), str::to_owned),
            job: job.name.to_owned(),
            queue: Some(job.options.queue.to_owned()),
            expression: schedule.expression().to_owned(),
            timezone: schedule.zone().name().to_owned(),
            arguments: arguments.ok().and_then(|made| made.ok()).unwrap_or_else(|| "null".to_owned()),
            catch_up: made.catch_up.map_or(Ok(CatchUp::Latest), str::parse).map_err(word)?,
            overlap: made.overlap.map_or(Ok(Overlap::Skip), str::parse).map_err(word)?,
            window: made.window,
            dynamic: false,
        };
        let fingerprint = definition.fingerprint(made.given);
        Ok(Self { job, made, schedule: Arc::new(schedule), definition, fingerprint })
    }
}

/// What a schedule without a name is known by: job, arguments as they stand in the source, expression and zone.
fn identity(job: &JobDef, made: &ScheduleDef, schedule: &Schedule) -> String {
    let given = if made.given.is_empty() { String::new() } else { format!("({})", made.given) };
    let text = format!("{}{given} {} {}", job.name, schedule.expression(), schedule.zone());
    if text.len() <= LONGEST_NAME {
        return text;
    }
    let hash = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
    let end = text.floor_char_boundary(LONGEST_NAME - hash.len() - " … ".len());
    format!("{} … {hash}", text.get(..end).unwrap_or_default())
}
