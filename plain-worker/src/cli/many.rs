//! Changes of all jobs that a filter chooses: how many first, then asked, then at a pace and with a line of progress.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::exit::{Code, Failure, Outcome};
use super::output::Output;
use super::settings::note;
use super::text;
use super::values::who;
use crate::change::{Change, Pace};
use crate::filter::Filter;
use crate::queue::{BulkChange, BulkProgress, Queue};
use crate::record::JobFilter;
use crate::status::JobState;

/// How often the line of progress is written on a terminal, and elsewhere.
const ON_A_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// The flags of a command that changes many jobs; their variables have the command's name.
// rustfmt moves attributes of many lines in macros further to the right each time.
#[rustfmt::skip]
macro_rules! many_flags {
    ($name:ident, $command:literal) => {
        #[derive(Clone, Debug, clap::Args)]
        pub(in super::super) struct $name {
            /// All jobs that this filter lets through, such as 'error:"timed out" args.user_id:7 age:>2h'
            #[arg(long = "where", value_name = "FILTER", env = concat!("PLAIN_WORKER_", $command, "_WHERE"),
                  value_parser = super::super::values::filter, conflicts_with = "ids")]
            matching: Option<crate::filter::Filter>,
            /// With --where: only say how many jobs that would be
            #[arg(long, env = concat!("PLAIN_WORKER_", $command, "_DRY_RUN"),
                  value_parser = super::super::values::yes_or_no())]
            dry_run: bool,
            /// With --where: no faster than that, such as 20/s or 600/min
            #[arg(long, value_name = "PACE", env = concat!("PLAIN_WORKER_", $command, "_RATE"))]
            rate: Option<crate::change::Pace>,
            /// With --where: do not ask first
            #[arg(long, env = concat!("PLAIN_WORKER_", $command, "_YES"),
                  value_parser = super::super::values::yes_or_no())]
            yes: bool,
            /// Who wants it, which is recorded; your user name by default
            #[arg(long, value_name = "NAME", env = concat!("PLAIN_WORKER_", $command, "_BY"))]
            by: Option<String>,
        }

        impl $name {
            /// The change of all that match, where a filter was given, and who wants it.
            fn of(
                self,
                change: crate::change::Change,
            ) -> Result<(Option<super::super::many::Many>, String), super::super::exit::Failure> {
                let Self { matching, dry_run, rate, yes, by } = self;
                super::super::many::Many::of(change, matching, (dry_run, yes), rate, by)
            }
        }
    };
}
pub(super) use many_flags;

/// A change of all jobs that match.
pub(super) struct Many {
    change: Change,
    matching: Filter,
    dry_run: bool,
    yes: bool,
    pace: Option<Pace>,
    by: String,
}

/// What became of it, as JSON.
#[derive(Serialize)]
struct Shape<'m> {
    action: &'static str,
    r#where: &'m str,
    dry_run: bool,
    /// How many there were before it, by state.
    matching: u64,
    by_state: BTreeMap<JobState, u64>,
    changed: u64,
    /// Looked at, and not changed.
    unchanged: u64,
    trouble: Option<String>,
}

impl Many {
    pub(super) fn of(
        change: Change,
        matching: Option<Filter>,
        (dry_run, yes): (bool, bool),
        pace: Option<Pace>,
        by: Option<String>,
    ) -> Result<(Option<Self>, String), Failure> {
        let by = who(by);
        let Some(matching) = matching else {
            if dry_run || pace.is_some() {
                return Err(Failure::wrong("--dry-run and --rate are about many jobs: they go with --where"));
            }
            return Ok((None, by));
        };
        Ok((Some(Self { change, matching, dry_run, yes, pace, by: by.clone() }), by))
    }

    pub(super) async fn run(self, queue: &Queue, output: Output) -> Outcome {
        let action = self.change.name();
        if self.matching.is_empty() {
            return Err(Failure::wrong(format!(
                "this would {action} every job of every queue: say which with --where, for example 'state:dead'"
            )));
        }
        let filter = JobFilter { matching: Some(self.matching.clone()), ..JobFilter::new() };
        let mut shape = Shape {
            action,
            r#where: self.matching.as_str(),
            dry_run: self.dry_run,
            matching: 0,
            by_state: BTreeMap::new(),
            changed: 0,
            unchanged: 0,
            trouble: None,
        };
        for line in queue.stats(self.change.limit(filter.clone())).await? {
            shape.matching += line.count;
            *shape.by_state.entry(line.state).or_default() += line.count;
        }
        if self.dry_run || shape.matching == 0 {
            queue.close().await;
            return output.print(&shape, || shape.would());
        }
        self.confirm(&shape)?;
        let mut bulk = BulkChange::of_all(self.change.clone(), filter).by(&self.by).most(shape.matching);
        if let Some(pace) = self.pace {
            bulk = bulk.pace(pace);
        }
        let mut line = ProgressLine::of(action, shape.matching);
        let done = bulk.run(queue, |progress| line.tell(progress)).await;
        line.end();
        queue.close().await;
        let done = done?;
        (shape.changed, shape.unchanged) = (done.changed, done.seen - done.changed);
        shape.trouble = done.trouble;
        output.print(&shape, || shape.did())?;
        Ok(if shape.trouble.is_none() { Code::Done } else { Code::Failed })
    }

    /// Asks, where there is somebody to ask.
    fn confirm(&self, shape: &Shape<'_>) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Err(Failure::wrong(format!(
                "{}: say --yes if you mean it, or --dry-run to look only",
                shape.would()
            )));
        }
        // There is nobody else to ask.
        let _ = write!(std::io::stderr(), "{}. Go on? [y/N] ", shape.would());
        let mut answer = String::new();
        let read = stdin.read_line(&mut answer);
        if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Failure::failed("nothing was changed"))
    }
}

impl Shape<'_> {
    fn would(&self) -> String {
        let states: Vec<_> = self.by_state.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let states = if states.is_empty() { String::new() } else { format!(" ({})", states.join(", ")) };
        format!("would {} {}{states}", self.action, text::count(self.matching, "job"))
    }

    fn did(&self) -> String {
        let mut words = format!("{}: {} changed", self.action, text::count(self.changed, "job"));
        if self.unchanged > 0 {
            words += &[", ", &self.unchanged.to_string(), " could not be, or had moved on"].concat();
        }
        if let Some(trouble) = &self.trouble {
            words += &["\ntrouble: ", trouble].concat();
        }
        words
    }
}

/// How far it is, on stderr: one line that changes on a terminal, a line now and then elsewhere.
struct ProgressLine {
    action: &'static str,
    total: u64,
    terminal: bool,
    last: Instant,
    open: bool,
}

impl ProgressLine {
    fn of(action: &'static str, total: u64) -> Self {
        Self { action, total, terminal: std::io::stderr().is_terminal(), last: Instant::now(), open: false }
    }

    fn tell(&mut self, progress: &BulkProgress) {
        if self.last.elapsed() < if self.terminal { ON_A_TERMINAL } else { ELSEWHERE } {
            return;
        }
        self.last = Instant::now();
        let line = format!("{}: {} of {}, {} changed", self.action, progress.seen, self.total, progress.changed);
        if self.terminal {
            self.open = true;
            // A closed stream is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\u{1b}[K{line}");
        } else {
            note(&line);
        }
    }

    fn end(&self) {
        if self.open {
            // As above.
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}
