//! Changes that people make: to one job, or to all that a filter chooses, at a pace, noted in the audit.

use std::time::Duration;

use tokio::time::Instant;

use super::{LONGEST_NAME, Queue};
use crate::change::{Change, Changed, Pace};
use crate::error::{Error, Result};
use crate::record::{CancelAnswer, JobFilter, JobId, RetryAnswer};

/// How many jobs are looked up at a time.
const PAGE: u32 = 1_000;
/// How often what was done so far is added to the audit, so that a change that is cut off is there, too.
const NOTE_EVERY: Duration = Duration::from_secs(1);

impl Queue {
    /// Does something to one job, and notes who did it in the [audit](Self::audit).
    ///
    /// # Errors
    /// When the database cannot be asked; [`Error::Setting`] when the job is to go to a queue that cannot be.
    pub async fn change(&self, id: JobId, change: &Change, by: &str) -> Result<Changed> {
        let changed = self.change_quietly(id, change, by).await?;
        if changed == Changed::Done {
            self.note_change(by, change.name(), &id.to_string(), 1).await?;
        }
        Ok(changed)
    }

    /// As [`change`](Self::change), but the audit is the caller's to write.
    async fn change_quietly(&self, id: JobId, change: &Change, by: &str) -> Result<Changed> {
        let fit = match change {
            Change::Retry => self.retry(id).await.map(|answer| answer == RetryAnswer::Ready),
            Change::Cancel => {
                self.cancel_noting(id, by, false).await.map(|answer| !matches!(answer, CancelAnswer::Ended(_)))
            }
            Change::Delete => {
                self.ask(move |store| async move { store.delete(id).await }).await.and_then(|done| self.there(id, done))
            }
            Change::Requeue(to) => {
                if let Some(queue) = to.queue.as_deref()
                    && (queue.is_empty() || queue.len() > LONGEST_NAME || queue.contains('\0'))
                {
                    let reason = "it is empty, too long, or holds a NUL character";
                    return Err(Error::Setting(format!("jobs cannot go to the queue {queue:?}: {reason}")));
                }
                let to = to.clone();
                let moved = self.ask(move |store| async move { store.requeue(id, to).await }).await;
                self.wake(Vec::new());
                moved.and_then(|done| self.there(id, done))
            }
        };
        match fit {
            Ok(true) => Ok(Changed::Done),
            Ok(false) => Ok(Changed::Unfit),
            Err(Error::NoSuchJob { .. }) => Ok(Changed::Gone),
            Err(error) => Err(error),
        }
    }

    fn there(&self, id: JobId, answer: Option<bool>) -> Result<bool> {
        answer.ok_or_else(|| Error::NoSuchJob { id, database: self.describe() })
    }
}

/// A [`Change`] of many jobs: of those that are named, or of all that a filter chooses.
///
/// ```no_run
/// # async fn example(queue: plain_worker::Queue) -> Result<(), plain_worker::BoxError> {
/// use plain_worker::{BulkChange, Change, JobFilter};
///
/// let dead = JobFilter::new().matching("state:dead error:\"timed out\"")?;
/// let done = BulkChange::of_all(Change::Retry, dead).by("anna").pace("20/s".parse()?).run(&queue, |_| {}).await?;
/// println!("{} of {} run again", done.changed, done.seen);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is changed until `run`"]
pub struct BulkChange {
    change: Change,
    of: Of,
    target: String,
    by: String,
    pace: Option<Pace>,
    most: u64,
}

#[derive(Clone, Debug)]
enum Of {
    Jobs(Vec<JobId>),
    All(JobFilter),
}

/// How far a [`BulkChange`] is, or came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkProgress {
    /// Jobs that were looked at.
    pub seen: u64,
    /// Jobs that were changed.
    pub changed: u64,
    /// What went wrong last with one of them.
    pub trouble: Option<String>,
    /// Whether the database went away before all were seen.
    pub cut_off: bool,
}

impl BulkChange {
    /// Of these jobs.
    pub fn of_jobs(change: Change, jobs: Vec<JobId>) -> Self {
        let target = format!("{} selected jobs", jobs.len());
        Self { change, of: Of::Jobs(jobs), target, by: String::new(), pace: None, most: u64::MAX }
    }

    /// Of all jobs that the filter chooses and that stand where the change makes a difference, newest first.
    pub fn of_all(change: Change, filter: JobFilter) -> Self {
        let target = match &filter.matching {
            Some(matching) if filter == (JobFilter { matching: filter.matching.clone(), ..JobFilter::new() }) => {
                format!("jobs where {matching}")
            }
            _ => format!("jobs: {}", filter.in_words()),
        };
        let of = Of::All(change.limit(filter));
        Self { change, of, target, by: String::new(), pace: None, most: u64::MAX }
    }

    /// Who wants it, for the audit.
    pub fn by(mut self, by: impl Into<String>) -> Self {
        self.by = by.into();
        self
    }

    /// What it is about, for the audit, where that is not what was given.
    pub fn about(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// No faster than that: many jobs at once are a load of their own.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// No more jobs than that, as many as somebody has confirmed.
    pub fn most(mut self, jobs: u64) -> Self {
        self.most = jobs;
        self
    }

    /// Does it, job by job; `progress` is told after each.
    ///
    /// What has changed until then is in the audit, at the latest a second later, also when this is dropped half-way.
    /// A job that the database refuses to change is told in [`BulkProgress::trouble`], and the next one is tried.
    ///
    /// # Errors
    /// When the jobs cannot be looked up at all.
    pub async fn run(mut self, queue: &Queue, mut progress: impl FnMut(&BulkProgress)) -> Result<BulkProgress> {
        let mut done = BulkProgress::default();
        let mut journal = Journal { noted: None, count: 0, last: Instant::now() };
        let mut due = Instant::now();
        let mut after = None;
        'all: loop {
            let page = match &mut self.of {
                Of::Jobs(jobs) => std::mem::take(jobs),
                Of::All(filter) => {
                    let rows = queue.list(filter.clone(), after, PAGE).await?;
                    rows.iter().map(|row| row.id).collect()
                }
            };
            after = page.last().copied();
            if page.is_empty() {
                break;
            }
            for id in page {
                if done.seen >= self.most {
                    break 'all;
                }
                if let Some(pace) = self.pace {
                    tokio::time::sleep_until(due).await;
                    // What was late is not made up for, but for the coarseness of timers.
                    due = (due + pace.step()).max(Instant::now().checked_sub(NOTE_EVERY / 50).unwrap_or(due));
                }
                done.seen += 1;
                match queue.change_quietly(id, &self.change, &self.by).await {
                    Ok(Changed::Done) => {
                        done.changed += 1;
                        journal.count += 1;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        done.cut_off = error.is_transient();
                        done.trouble = Some(error.to_string());
                    }
                }
                progress(&done);
                if done.cut_off {
                    break 'all;
                }
                if journal.last.elapsed() >= NOTE_EVERY {
                    self.note(queue, &mut journal).await;
                }
            }
        }
        self.note(queue, &mut journal).await;
        Ok(done)
    }

    /// Adds what was changed since the last time to the audit.
    async fn note(&self, queue: &Queue, journal: &mut Journal) {
        journal.last = Instant::now();
        if journal.count == 0 {
            return;
        }
        let noted = queue.note_more(&self.by, self.change.name(), &self.target, journal.count, journal.noted).await;
        match noted {
            Ok(noted) => {
                journal.noted = noted;
                journal.count = 0;
            }
            Err(error) => {
                let (action, target) = (self.change.name(), &self.target);
                tracing::error!(%error, action, target, count = journal.count, by = self.by, "a change could not be noted");
            }
        }
    }
}

/// What the audit knows of a bulk change.
struct Journal {
    noted: Option<i64>,
    /// What was changed since.
    count: u64,
    last: Instant,
}
