use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::app::App;
use super::super::exit::{Failure, Outcome};
use super::super::log::Level;
use super::super::output::Output;
use super::super::settings::{Settings, Tables};
use super::super::values::{instant, span};
use crate::job::{JobDef, PayloadError};
use crate::queue::{Prepared, request};
use crate::record::{Due, Inserted, JobId};
use crate::registry::Registry;
use crate::status::{JobState, UniqueUntil};

/// Enqueue a job
///
/// The arguments are checked against the job's type; the flags go over what its attribute says.
#[derive(Debug, Args)]
pub(in super::super) struct Enqueue {
    #[command(flatten)]
    call: Call,
    /// Run it no sooner than after that time
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_ENQUEUE_DELAY", value_parser = span, conflicts_with = "run_at")]
    delay: Option<Duration>,
    /// Run it no sooner than at that instant, such as 2026-11-20T12:00:00+01:00
    #[arg(long, value_name = "INSTANT", env = "PLAIN_WORKER_ENQUEUE_RUN_AT", value_parser = instant)]
    run_at: Option<DateTime<Utc>>,
    /// The queue that it waits in
    #[arg(long, value_name = "QUEUE", env = "PLAIN_WORKER_ENQUEUE_QUEUE")]
    queue: Option<String>,
    /// Run it before all that are lower
    #[arg(long, value_name = "NUMBER", env = "PLAIN_WORKER_ENQUEUE_PRIORITY", allow_negative_numbers = true)]
    priority: Option<i16>,
    /// How often it may run again after failing
    #[arg(long, value_name = "NUMBER", env = "PLAIN_WORKER_ENQUEUE_RETRIES")]
    retries: Option<u32>,
    /// End an attempt that runs longer
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_ENQUEUE_TIMEOUT", value_parser = span)]
    timeout: Option<Duration>,
    /// Do not start it after that time
    #[arg(long, value_name = "TIME", env = "PLAIN_WORKER_ENQUEUE_EXPIRES_IN", value_parser = span)]
    expires_in: Option<Duration>,
    /// Enqueue it only if no job of this name holds the key
    #[arg(long, value_name = "KEY", env = "PLAIN_WORKER_ENQUEUE_UNIQUE_KEY")]
    unique_key: Option<String>,
    /// Until when the unique key is held: `start` or `end`
    #[arg(long, value_name = "WHEN", env = "PLAIN_WORKER_ENQUEUE_UNIQUE_UNTIL", value_parser = until)]
    unique_until: Option<UniqueUntil>,
    /// Data that travels with it: a JSON object
    #[arg(long, value_name = "JSON", env = "PLAIN_WORKER_ENQUEUE_METADATA")]
    metadata: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    settings: Settings,
}

/// A job of this program with its arguments.
#[derive(Debug, Args)]
pub(in super::super) struct Call {
    /// The job's name, as `jobs` lists it
    #[arg(value_name = "NAME")]
    name: String,
    /// Its arguments as a JSON object, such as {"user_id":7}; `-` reads them from stdin
    #[arg(value_name = "JSON", default_value = "{}")]
    arguments: String,
}

fn until(text: &str) -> Result<UniqueUntil, String> {
    text.parse().map_err(|error: crate::status::UnknownWord| error.to_string())
}

impl Call {
    /// The job's definition and its arguments, checked.
    pub(super) fn checked(self) -> Result<(&'static JobDef, String), Failure> {
        let definition = Registry::of_program()?.find(&self.name)?;
        let arguments = if self.arguments == "-" { from_stdin()? } else { self.arguments };
        let arguments = arguments.trim().to_owned();
        let name = definition.name;
        let told = |what: String| Failure::wrong(format!("{what}; write for example {}", example(definition)));
        if let Err(error) = serde_json::from_str::<&RawValue>(&arguments) {
            return Err(told(format!("the arguments of `{name}` are no JSON: {error}")));
        }
        // A list would be taken for the arguments in their order, and be stored as a list.
        if !arguments.starts_with('{') {
            return Err(told(format!("the arguments of `{name}` are no JSON object")));
        }
        match (definition.check)(&arguments) {
            Ok(()) | Err(PayloadError::Missing(_)) => Ok((definition, arguments)),
            Err(PayloadError::Unreadable(reason)) => Err(Failure::wrong(format!(
                "`{name}` cannot take these arguments: {reason}; it takes {}",
                signature(definition)
            ))),
        }
    }
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::wrong(format!("the arguments cannot be read from stdin: {error}")))?;
    Ok(text)
}

/// The arguments of a job as its source has them: `user_id: i64, note: Option<String>`.
pub(super) fn signature(definition: &JobDef) -> String {
    let arguments: Vec<_> =
        definition.arguments.iter().map(|argument| format!("{}: {}", argument.name, argument.type_text)).collect();
    if arguments.is_empty() { "no arguments".to_owned() } else { arguments.join(", ") }
}

/// A JSON object with the names of the arguments.
fn example(definition: &JobDef) -> String {
    let fields: Vec<_> = definition.arguments.iter().map(|argument| format!("\"{}\":…", argument.name)).collect();
    format!("'{{{}}}'", fields.join(","))
}

#[derive(Serialize)]
struct Shape {
    id: JobId,
    job: &'static str,
    inserted: bool,
    state: JobState,
}

impl Enqueue {
    pub(in super::super) async fn run(self, app: &App) -> Outcome {
        let Self { call, delay, run_at, queue: queue_name, priority, retries, timeout, expires_in, .. } = self;
        let (definition, arguments) = call.checked()?;
        let mut job = request(definition, arguments, None);
        job.source = Some("command line".to_owned());
        if let Some(delay) = delay {
            job.set_delay(delay).map_err(crate::Error::from)?;
        }
        if let Some(at) = run_at {
            job.due = Due::At(at);
        }
        if let Some(name) = queue_name {
            job.queue = Cow::Owned(name);
        }
        job.priority = priority.unwrap_or(job.priority);
        job.retries = retries.unwrap_or(job.retries);
        if let Some(timeout) = timeout {
            job.set_timeout(timeout).map_err(crate::Error::from)?;
        }
        if let Some(expires_in) = expires_in {
            job.set_expires_in(expires_in).map_err(crate::Error::from)?;
        }
        if let Some(key) = self.unique_key {
            let until = job.unique.take().map_or(UniqueUntil::End, |(_, until)| until);
            job.unique = Some((key, until));
        }
        if let Some(until) = self.unique_until {
            let Some((_, held)) = &mut job.unique else {
                return Err(Failure::wrong("`--unique-until` says nothing without a key: add `--unique-key KEY`"));
            };
            *held = until;
        }
        if let Some(text) = self.metadata {
            job.metadata = Some(metadata(&text)?);
        }
        let due = matches!(job.due, Due::Now);
        let queue = self.settings.open(app, Tables::Create, Level::Warn).await?;
        let inserted = queue.enqueue_batch([Prepared(job)]).await?;
        queue.close().await;
        let Some(inserted) = inserted.first().copied() else {
            return Err(Failure::failed("the database answered nothing: look with `list` whether the job is there"));
        };
        let shape = Shape {
            id: inserted.id(),
            job: definition.name,
            inserted: inserted.is_new(),
            state: match inserted {
                Inserted::Existing(_, state) => state,
                Inserted::New(_) if due => JobState::Ready,
                Inserted::New(_) => JobState::Scheduled,
            },
        };
        self.output.print(&shape, || match inserted {
            Inserted::New(id) => format!("enqueued {} {id}", definition.name),
            Inserted::Existing(id, state) => {
                format!("not enqueued: {} {id} ({state}) holds the unique key", definition.name)
            }
        })
    }
}

fn metadata(text: &str) -> Result<String, Failure> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Ok(text.trim().to_owned()),
        Err(error) => Err(Failure::wrong(format!(
            "`--metadata` is no JSON object: {error}; write for example '{{\"tenant\":7}}'"
        ))),
    }
}
