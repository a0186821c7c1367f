//! What this program cannot run of what is stored, told before a deploy meets it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::error::Result;
use crate::job::PayloadError;
use crate::queue::Queue;
use crate::record::{JobId, StoredRow};
use crate::registry::Registry;
use crate::worker::caught;

/// How many requests are read at a time.
const BATCH: u32 = 1_000;
/// How many ids stand for all jobs of one problem.
const SAMPLES: usize = 5;
/// How many problems are told apart; what is beyond is counted together.
const PROBLEMS: usize = 500;

/// What a program can and cannot run of the requests that are stored; see [`check`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// How many requests were read.
    pub checked: u64,
    /// Whether that were all of them.
    pub complete: bool,
    /// What cannot be run, by job and reason.
    pub problems: Vec<CheckProblem>,
}

/// Requests of one job that cannot be run, all for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckProblem {
    /// The job's name as stored.
    pub job: String,
    /// Why: `unknown name`, ``missing argument `x` ``, ``wrong type at `y`: …``.
    pub reason: String,
    /// How many there are.
    pub count: u64,
    /// Some of their ids, the oldest first.
    pub samples: Vec<JobId>,
}

impl CheckReport {
    /// Whether everything that was read can be run.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many requests cannot be run.
    #[must_use]
    pub fn unfit(&self) -> u64 {
        self.problems.iter().map(|problem| problem.count).sum()
    }
}

impl CheckReport {
    /// The summary in one line, as a log has it.
    pub(crate) fn line(&self) -> String {
        self.told(" ", "; ")
    }

    fn told(&self, first: &str, others: &str) -> String {
        let rest = if self.complete { "" } else { " (there are more)" };
        if self.is_clean() {
            return format!("all {} stored jobs can be run{rest}", self.checked);
        }
        let problems: Vec<_> = self.problems.iter().map(ToString::to_string).collect();
        let (unfit, problems) = (self.unfit(), problems.join(others));
        format!("{unfit} of {} stored jobs cannot be run{rest}:{first}{problems}", self.checked)
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told("\n  ", "\n  "))
    }
}

impl fmt::Display for CheckProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let samples: Vec<_> = self.samples.iter().map(ToString::to_string).collect();
        write!(f, "{} × {}: {} (for example {})", self.count, self.job, self.reason, samples.join(", "))
    }
}

/// Reads every stored request that waits (ready, scheduled, retrying, blocked, parked) as the jobs of this program
/// would, and tells what they could not run. Changes nothing.
///
/// For a test of one's own against a copy of the real rows, and for a deploy script, as the
/// command `check`: what cannot be run would be parked by a worker of this build, until one
/// that can run it starts.
///
/// # Errors
/// When the database cannot be asked, or two jobs share a name.
///
/// ```no_run
/// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
/// let report = plain_worker::check(&queue).await?;
/// assert!(report.is_clean(), "{report}");
/// # Ok(())
/// # }
/// ```
pub async fn check(queue: &Queue) -> Result<CheckReport> {
    check_with(queue, Registry::of_program()?).await
}

/// As [`check`], with these jobs instead of all that are linked into the program.
///
/// # Errors
/// When the database cannot be asked.
pub async fn check_with(queue: &Queue, jobs: &Registry) -> Result<CheckReport> {
    read(queue, jobs, u64::MAX).await
}

/// The same for at most that many requests, the oldest.
pub(crate) async fn read(queue: &Queue, jobs: &Registry, most: u64) -> Result<CheckReport> {
    let mut report = CheckReport::default();
    let mut problems = BTreeMap::new();
    let mut after = 0;
    while report.checked < most {
        let rows = queue.ask(move |store| async move { store.requests(after, BATCH).await }).await?;
        let Some(last) = rows.last() else {
            report.complete = true;
            break;
        };
        after = last.seq;
        report.checked += rows.len() as u64;
        for row in rows {
            if let Some(reason) = obstacle(jobs, &row) {
                note(&mut problems, row, reason);
            }
        }
        // Decoding is work for the processor: others have their turn in between.
        tokio::task::yield_now().await;
    }
    report.problems = problems.into_values().collect();
    Ok(report)
}

/// Why these jobs cannot run a request; none if they can.
fn obstacle(jobs: &Registry, row: &StoredRow) -> Option<String> {
    let Some(definition) = jobs.get(&row.job) else { return Some("unknown name".to_owned()) };
    match caught(|| (definition.check)(&row.arguments)) {
        // What the worker lacks is told when one starts.
        Ok(Ok(()) | Err(PayloadError::Missing(_))) => None,
        Ok(Err(PayloadError::Unreadable(reason))) => Some(reason),
        Err(panic) => Some(panic),
    }
}

fn note(problems: &mut BTreeMap<(String, String), CheckProblem>, row: StoredRow, reason: String) {
    let mut key = (row.job, reason);
    if problems.len() >= PROBLEMS && !problems.contains_key(&key) {
        key = ("(others)".to_owned(), "other reasons".to_owned());
    }
    let new = |key: &(String, String)| CheckProblem {
        job: key.0.clone(),
        reason: key.1.clone(),
        count: 0,
        samples: Vec::new(),
    };
    let problem = problems.entry(key).or_insert_with_key(new);
    problem.count += 1;
    if problem.samples.len() < SAMPLES {
        problem.samples.push(row.id);
    }
}
