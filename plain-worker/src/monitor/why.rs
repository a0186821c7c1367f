//! Why a job waits: a pure function over facts.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Depth, WorkerView};
use crate::pause::{Pause, PauseTarget};
use crate::record::JobRow;
use crate::status::JobState;

/// What [`explain`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// The job.
    pub job: &'f JobRow,
    /// The workers that have a row.
    pub workers: &'f [WorkerView],
    /// All that is paused.
    pub pauses: &'f [Pause],
    /// How many jobs of its queue come before it, if it is ready and they could be counted.
    pub ahead: Option<u64>,
    /// What the database's clock says.
    pub now: DateTime<Utc>,
}

/// A span as people say it: its two largest units.
pub(crate) fn spoken(span: TimeDelta) -> String {
    let seconds = span.num_seconds().unsigned_abs();
    let rounded = match seconds {
        0..60 => seconds,
        60..86_400 => seconds / if seconds < 3_600 { 1 } else { 60 } * if seconds < 3_600 { 1 } else { 60 },
        _ => seconds / 3_600 * 3_600,
    };
    if rounded == 0 {
        "less than a second".to_owned()
    } else {
        humantime::format_duration(Duration::from_secs(rounded)).to_string()
    }
}

/// Why the job waits, as a sentence; `None` for one that does not wait.
///
/// The first hindrance that would stand alone is told: what a person paused,
/// then what no worker can do, then the time, then the others before it.
#[must_use]
pub fn explain(facts: &Facts<'_>) -> Option<String> {
    let Facts { job, now, .. } = *facts;
    let mut sentence = match job.state {
        JobState::Running => {
            let since = job.started_at.map_or_else(String::new, |at| format!(" for {}", spoken(now - at)));
            return Some(format!("It runs{since}{}.", holder(facts)));
        }
        JobState::Succeeded | JobState::Dead | JobState::Cancelled | JobState::Expired => return None,
        JobState::Scheduled | JobState::Retrying if job.due_at > now => {
            let due = spoken(job.due_at - now);
            if job.state == JobState::Retrying {
                let left = i64::from(job.retries) - i64::from(job.failures);
                let left =
                    if left == 0 { "the last try".to_owned() } else { format!("{} more after that", left.max(0)) };
                format!("It failed {} and is tried again in {due} ({left})", times(job.failures))
            } else {
                format!("It is due in {due}")
            }
        }
        JobState::Parked => {
            let reason = job.error.as_deref().unwrap_or("no worker that lives can run it");
            format!("It is parked: {}", reason.trim_end_matches('.'))
        }
        JobState::Blocked => "It is held back by a limit or by another job".to_owned(),
        JobState::Scheduled | JobState::Retrying | JobState::Ready => String::new(),
    };
    let hindrance = hindrance(facts);
    if sentence.is_empty() {
        sentence = hindrance.unwrap_or_else(|| waits_its_turn(facts));
    } else if let Some(hindrance) = hindrance.filter(|_| job.state != JobState::Parked) {
        // Writing to a string does not fail.
        let _ = write!(sentence, "; even then: {}", lower(&hindrance));
    }
    Some(sentence + ".")
}

fn times(count: i32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

fn lower(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

fn holder(facts: &Facts<'_>) -> String {
    let id = facts.job.worker_id;
    match facts.workers.iter().find(|worker| Some(worker.id) == id) {
        Some(worker) if worker.alive => format!(" on {} (process {})", worker.host, worker.pid),
        Some(worker) => {
            format!(
                " on {}, which has not been heard of for {}: it will be rescued",
                worker.host,
                spoken(facts.now - worker.heartbeat_at)
            )
        }
        None if id.is_some() => ", but its worker is gone: it will be rescued".to_owned(),
        None => String::new(),
    }
}

/// What would hold it back whatever the time and the others before it.
fn hindrance(facts: &Facts<'_>) -> Option<String> {
    let Facts { job, workers, pauses, now, .. } = *facts;
    let pause = pauses.iter().find(|pause| match &pause.target {
        PauseTarget::Everything => true,
        PauseTarget::Queue(name) => *name == job.queue,
        PauseTarget::Job(name) => *name == job.job,
        PauseTarget::Worker(_) => false,
    });
    if let Some(pause) = pause {
        let what = match &pause.target {
            PauseTarget::Everything => "Everything is".to_owned(),
            PauseTarget::Job(name) => format!("Jobs named `{name}` are"),
            _ => format!("Queue `{}` is", job.queue),
        };
        let by = if pause.by.is_empty() { String::new() } else { format!(" by {}", pause.by) };
        return Some(format!("{what} paused{by} since {} ago", spoken(now - pause.at)));
    }
    let alive: Vec<_> = workers.iter().filter(|worker| worker.alive).collect();
    if alive.is_empty() {
        return Some("No worker is running".to_owned());
    }
    let serving: Vec<_> = alive.iter().filter(|worker| worker.serves(&job.queue)).collect();
    if serving.is_empty() {
        return Some(format!("No live worker serves queue `{}` ({} run for other queues)", job.queue, alive.len()));
    }
    let stopped = |worker: &WorkerView| {
        let id = worker.id.to_string();
        pauses.iter().any(|pause| matches!(&pause.target, PauseTarget::Worker(name) if *name == id))
    };
    if serving.iter().all(|worker| stopped(worker)) {
        return Some(format!("All workers that serve queue `{}` are paused ({})", job.queue, serving.len()));
    }
    if !serving.iter().any(|worker| worker.knows.contains_key(&job.job)) {
        let mut builds: Vec<_> = serving.iter().map(|worker| worker.build.as_str()).collect();
        builds.sort_unstable();
        builds.dedup();
        let serve =
            if serving.len() == 1 { "1 worker serves".to_owned() } else { format!("{} workers serve", serving.len()) };
        return Some(format!(
            "{serve} queue `{}`, but none knows job `{}` (deployed build {})",
            job.queue,
            job.job,
            builds.join(", ")
        ));
    }
    None
}

fn waits_its_turn(facts: &Facts<'_>) -> String {
    let Facts { job, workers, ahead, .. } = *facts;
    let able = || {
        let able = workers.iter().filter(|worker| worker.alive && worker.serves(&job.queue));
        able.filter(|worker| worker.knows.contains_key(&job.job))
    };
    let slots: i64 = able().map(|worker| worker.concurrency).sum();
    let busy: i64 = able().map(|worker| worker.running).sum();
    let before = match ahead {
        Some(0) => "it is the next of its queue".to_owned(),
        Some(1) => "1 job is ahead".to_owned(),
        Some(count) if count >= Depth::BOUND => format!("{count} jobs or more are ahead"),
        Some(count) => format!("{count} jobs are ahead"),
        None => "it waits its turn".to_owned(),
    };
    if busy >= slots {
        format!("All {slots} slots are busy, {before}")
    } else {
        format!("{} of {slots} slots are free, {before}: it starts at the next look for work", slots - busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::JobId;

    fn now() -> DateTime<Utc> {
        "2026-12-24T18:00:00Z".parse().unwrap()
    }

    fn job(state: JobState) -> JobRow {
        JobRow {
            id: JobId::generate(),
            job: "sample".to_owned(),
            queue: "video".to_owned(),
            state,
            priority: 0,
            arguments: "{}".to_owned(),
            attempt: 0,
            failures: 1,
            losses: 0,
            hand_backs: 0,
            retries: 1,
            unique_key: None,
            metadata: None,
            source: None,
            slot: None,
            enqueued_at: now(),
            due_at: now(),
            started_at: None,
            ended_at: None,
            worker_id: None,
            error: None,
            output: None,
            progress: None,
        }
    }

    fn worker(queues: Option<&[&str]>, knows: &[&str], running: i64) -> WorkerView {
        WorkerView {
            id: uuid::Uuid::from_u128(7),
            host: "alpha".to_owned(),
            pid: 42,
            version: "1".to_owned(),
            build: "v9".to_owned(),
            queues: queues.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
            knows: knows.iter().map(|&name| (name.to_owned(), String::new())).collect(),
            concurrency: 20,
            running,
            started_at: now(),
            heartbeat_at: now() - TimeDelta::seconds(90),
            alive: true,
        }
    }

    fn says(job: &JobRow, workers: &[WorkerView], pauses: &[Pause], ahead: Option<u64>) -> String {
        explain(&Facts { job, workers, pauses, ahead, now: now() }).expect("a sentence")
    }

    #[test]
    fn the_first_hindrance_is_told() {
        let ready = job(JobState::Ready);
        let paused = |target| [Pause::new(target, now() - TimeDelta::minutes(5), "anna".to_owned())];
        let able = worker(None, &["sample"], 20);
        let cases = [
            (says(&ready, &[], &[], None), "No worker is running."),
            (
                says(&ready, &[worker(Some(&["mail"]), &["sample"], 0)], &[], None),
                "No live worker serves queue `video` (1 run for other queues).",
            ),
            (
                says(&ready, &[worker(None, &[], 0)], &[], None),
                "1 worker serves queue `video`, but none knows job `sample` (deployed build v9).",
            ),
            (says(&ready, std::slice::from_ref(&able), &[], Some(31)), "All 20 slots are busy, 31 jobs are ahead."),
            (
                says(&ready, &[worker(None, &["sample"], 3)], &[], Some(0)),
                "17 of 20 slots are free, it is the next of its queue: it starts at the next look for work.",
            ),
            (
                says(&ready, &[], &paused(PauseTarget::queue("video")), None),
                "Queue `video` is paused by anna since 5m ago.",
            ),
            (
                says(&ready, &[], &paused(PauseTarget::job("sample")), None),
                "Jobs named `sample` are paused by anna since 5m ago.",
            ),
            (says(&ready, &[], &paused(PauseTarget::queue("mail")), None), "No worker is running."),
            (
                says(&ready, std::slice::from_ref(&able), &paused(PauseTarget::Worker(able.id.to_string())), None),
                "All workers that serve queue `video` are paused (1).",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn times_and_reasons_are_told() {
        let able = [worker(None, &["sample"], 0)];
        let mut later = job(JobState::Scheduled);
        later.due_at = now() + TimeDelta::minutes(4);
        assert_eq!(says(&later, &able, &[], None), "It is due in 4m.");
        assert_eq!(says(&later, &[], &[], None), "It is due in 4m; even then: no worker is running.");
        let mut retrying = job(JobState::Retrying);
        retrying.due_at = now() + TimeDelta::seconds(3_725);
        assert_eq!(says(&retrying, &able, &[], None), "It failed once and is tried again in 1h 2m (the last try).");
        let mut parked = job(JobState::Parked);
        parked.error = Some("no worker knows it.".to_owned());
        assert_eq!(says(&parked, &[], &[], None), "It is parked: no worker knows it.");
        let mut running = job(JobState::Running);
        (running.started_at, running.worker_id) = (Some(now() - TimeDelta::seconds(61)), Some(able[0].id));
        assert_eq!(says(&running, &able, &[], None), "It runs for 1m 1s on alpha (process 42).");
        let dead = [WorkerView { alive: false, ..able[0].clone() }];
        assert_eq!(
            says(&running, &dead, &[], None),
            "It runs for 1m 1s on alpha, which has not been heard of for 1m 30s: it will be rescued."
        );
        assert_eq!(
            explain(&Facts { job: &job(JobState::Dead), workers: &[], pauses: &[], ahead: None, now: now() }),
            None
        );
    }
}
