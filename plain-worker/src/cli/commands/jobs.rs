use clap::Args;
use serde::Serialize;

use super::super::exit::Outcome;
use super::super::output::{Column, Output, table};
use super::super::text;
use super::enqueue::signature;
use crate::job::JobDef;
use crate::registry::Registry;
use crate::status::{OnLost, UniqueUntil};

/// List the jobs of this program: names, arguments, options, schedules, where they stand
#[derive(Debug, Args)]
pub(in super::super) struct Jobs {
    #[command(flatten)]
    output: Output,
}

/// A registered job as JSON.
#[derive(Serialize)]
struct Shape {
    name: &'static str,
    aliases: &'static [&'static str],
    kind: &'static str,
    doc: &'static str,
    file: &'static str,
    line: u32,
    shape: String,
    arguments: Vec<Argument>,
    injected: Vec<Injected>,
    queue: &'static str,
    priority: i16,
    retries: u32,
    timeout_ms: Option<u128>,
    expires_in_ms: Option<u128>,
    unique: Option<Unique>,
    on_lost: OnLost,
    schedules: Vec<Schedule>,
}

#[derive(Serialize)]
struct Argument {
    name: &'static str,
    r#type: &'static str,
    optional: bool,
    redacted: bool,
}

#[derive(Serialize)]
struct Injected {
    name: &'static str,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Unique {
    /// All of them when empty.
    arguments: &'static [&'static str],
    until: UniqueUntil,
}

#[derive(Serialize)]
struct Schedule {
    name: Option<&'static str>,
    expression: &'static str,
    timezone: Option<&'static str>,
}

impl From<&'static JobDef> for Shape {
    fn from(job: &'static JobDef) -> Self {
        let options = &job.options;
        Self {
            name: job.name,
            aliases: job.aliases,
            kind: if job.blocking { "plain" } else { "async" },
            doc: job.doc,
            file: job.file,
            line: job.line,
            shape: job.shape(),
            arguments: (job.arguments.iter())
                .map(|argument| Argument {
                    name: argument.name,
                    r#type: argument.type_text,
                    optional: argument.optional,
                    redacted: argument.redacted,
                })
                .collect(),
            injected: (job.injected.iter())
                .map(|parameter| Injected { name: parameter.name, r#type: parameter.type_text })
                .collect(),
            queue: options.queue,
            priority: options.priority,
            retries: options.retries,
            timeout_ms: options.timeout.map(|span| span.as_millis()),
            expires_in_ms: options.expires_in.map(|span| span.as_millis()),
            unique: options.unique.map(|unique| Unique { arguments: unique.arguments, until: unique.until }),
            on_lost: options.on_lost,
            schedules: (job.schedules.iter())
                .map(|schedule| Schedule {
                    name: schedule.name,
                    expression: schedule.expression,
                    timezone: schedule.zone,
                })
                .collect(),
        }
    }
}

impl Jobs {
    pub(in super::super) fn run(self) -> Outcome {
        let jobs = Registry::of_program()?.jobs();
        let shapes: Vec<Shape> = jobs.iter().map(|job| Shape::from(*job)).collect();
        self.output.print(&shapes, || words(jobs))
    }
}

fn words(jobs: &[&'static JobDef]) -> String {
    if jobs.is_empty() {
        return "no jobs: write `#[job]` above a function; jobs of another crate are only linked when something of \
                it is named, for example by `use your_crate as _;`"
            .to_owned();
    }
    let columns = [
        Column::Text("job"),
        Column::Text("arguments"),
        Column::Text("queue"),
        Column::Number("retries"),
        Column::Text("options"),
        Column::Text("schedule"),
        Column::Text("place"),
        Column::Text("about"),
    ];
    let rows = jobs.iter().map(|job| {
        let schedules: Vec<_> = job.schedules.iter().map(|schedule| schedule.expression).collect();
        vec![
            job.name.to_owned(),
            text::line(&signature(job), 50),
            job.options.queue.to_owned(),
            job.options.retries.to_string(),
            options(job),
            schedules.join("\n"),
            job.place(),
            text::line(job.doc.split("\n\n").next().unwrap_or_default(), 60),
        ]
    });
    table(&columns, rows)
}

/// The options that differ from those of a bare `#[job]`.
fn options(job: &JobDef) -> String {
    let options = &job.options;
    let mut words = Vec::new();
    if job.blocking {
        words.push("plain function".to_owned());
    }
    if options.priority != 0 {
        words.push(format!("priority {}", options.priority));
    }
    if let Some(span) = options.timeout {
        words.push(format!("timeout {}", humantime::format_duration(span)));
    }
    if let Some(span) = options.expires_in {
        words.push(format!("expires in {}", humantime::format_duration(span)));
    }
    if let Some(unique) = options.unique {
        words.push(match unique.arguments {
            [] => "unique".to_owned(),
            arguments => format!("unique by {}", arguments.join(", ")),
        });
    }
    if options.on_lost == OnLost::Fail {
        words.push("at most once".to_owned());
    }
    for alias in job.aliases {
        words.push(format!("also {alias}"));
    }
    words.join("; ")
}
