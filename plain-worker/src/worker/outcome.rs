//! How an attempt ended, and what follows from it: decided here, purely, and written elsewhere, once.

use std::error::Error;
use std::time::Duration;

use crate::job::{JobDef, JobFailure, RunEnd, Steer, Wanted};
use crate::payload::storable_text;
use crate::record::{Again, Finish, HeldKey, Next, Record, Run};
use crate::retry::Backoff;
use crate::status::{AttemptStatus, CancelReason, ErrorKind, JobState, OnLost};

/// A job whose worker died that many times, the last time without company, is dead: it may well be what kills them.
pub(super) const LOSSES: i32 = 3;
/// The longest error that is recorded, in bytes.
const ERROR_LIMIT: usize = 64 * 1024;
/// Why a run was handed back.
const STOPPED: &str = "its worker was stopped";
const CUT_OFF: &str = "its worker did not reach the database";
/// The largest output that is recorded, in bytes.
const OUTPUT_LIMIT: usize = 1024 * 1024;

/// How an attempt ended, as its executor saw it.
#[derive(Debug)]
pub(super) enum Ended {
    /// The function returned; why it had been told to stop by then, if it had.
    Returned(RunEnd, Option<CancelReason>),
    /// The function panicked, with that message and place.
    Panicked(String),
    /// It was ended because it was told to stop.
    Stopped(CancelReason, Option<Duration>),
    /// Its stored arguments cannot be read although this very definition wrote them.
    Corrupt(String),
    /// It may be run by a worker of another build: its name or its arguments are not known here.
    NotForUs(Unfit),
    /// It was worth nothing any more when it was claimed.
    Expired,
    /// It was claimed and not started.
    NotStarted,
    /// It has to run alone, and others do.
    NotItsTurn(Duration),
    /// Its worker died.
    Lost {
        /// Whether it ran there alone, so that nothing else can have killed it.
        alone: bool,
    },
    /// It had ended itself in a transaction of its own, which was not committed.
    NotCommitted,
}

/// Why this worker cannot run a job, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Another worker that lives can.
    LeaveIt,
    /// Nobody that lives can: it is parked, with this reason.
    Park(String),
}

/// The end of a run that went well.
pub(super) fn success(run: &Run, output: Option<String>) -> Finish {
    end(run, AttemptStatus::Successful, None, None, output, JobState::Succeeded)
}

/// What follows from the end of an attempt.
pub(super) fn decide(run: &Run, definition: Option<&JobDef>, ended: Ended) -> Finish {
    let backoff = definition.map_or(Backoff::DEFAULT, |definition| definition.options.backoff);
    let failed = |kind, error: String, retry| failure(run, &backoff, kind, error, retry);
    match ended {
        Ended::Returned(Ok(output), late) => match (late, output) {
            (Some(CancelReason::Timeout), _) => failed(ErrorKind::Timeout, timeout_text(run, None), true),
            (_, Some(output)) if output.len() > OUTPUT_LIMIT => {
                let text = format!("the output takes {} bytes, the limit is {OUTPUT_LIMIT}", output.len());
                failed(ErrorKind::Error, text, false)
            }
            (_, output) => success(run, output),
        },
        Ended::Returned(Err(failure), told) => {
            let mut finish = returned_error(run, &backoff, &failure, told);
            if let Some(record) = &mut finish.record {
                record.output = failure.output;
            }
            finish
        }
        Ended::Panicked(text) => failed(ErrorKind::Panic, text, true),
        Ended::Stopped(CancelReason::Timeout, after) => failed(ErrorKind::Timeout, timeout_text(run, after), true),
        Ended::Stopped(CancelReason::Shutdown, _) => hand_back(run, STOPPED),
        Ended::Stopped(CancelReason::CutOff, _) => hand_back(run, CUT_OFF),
        Ended::Stopped(CancelReason::Cancelled | CancelReason::TakenOver, _) => {
            cancelled(run, "cancelled while it ran".to_owned())
        }
        Ended::Corrupt(text) => failed(ErrorKind::Corrupt, text, false),
        Ended::NotForUs(Unfit::LeaveIt) | Ended::NotStarted => untouched(run, JobState::Ready, None),
        Ended::NotItsTurn(delay) => {
            waits(run, Again { attempt: run.attempt - 1, delay, ..again(run, JobState::Scheduled) })
        }
        Ended::NotForUs(Unfit::Park(reason)) => untouched(run, JobState::Parked, Some(reason)),
        Ended::Expired => {
            let text = "expired before it could start".to_owned();
            end(run, AttemptStatus::Cancelled, None, Some(text), None, JobState::Expired)
        }
        Ended::Lost { alone } => lost(run, alone),
        Ended::NotCommitted => failed(
            ErrorKind::Error,
            "the job completed itself in a transaction that was not committed".to_owned(),
            true,
        ),
    }
}

fn returned_error(run: &Run, backoff: &Backoff, failure_: &JobFailure, told: Option<CancelReason>) -> Finish {
    let text = chain_text(&*failure_.error);
    match Steer::find(&*failure_.error).map(Steer::wanted) {
        Some(Wanted::Discard) => return failure(run, backoff, ErrorKind::Error, text, false),
        Some(Wanted::Cancel) => return cancelled(run, text),
        Some(Wanted::Snooze(delay)) => {
            let again = Again { delay, ..again(run, JobState::Scheduled) };
            let record = record(AttemptStatus::Snoozed, None, Some(text), None);
            return Finish { record, ..waits(run, again) };
        }
        None => {}
    }
    match told {
        // It stopped because it was told to: that is no failure of its own.
        Some(CancelReason::Shutdown) => hand_back(run, STOPPED),
        Some(CancelReason::CutOff) => hand_back(run, CUT_OFF),
        Some(CancelReason::Cancelled) => cancelled(run, text),
        Some(CancelReason::Timeout) => {
            failure(run, backoff, ErrorKind::Timeout, format!("{}: {text}", timeout_text(run, None)), true)
        }
        Some(CancelReason::TakenOver) | None => failure(run, backoff, ErrorKind::Error, text, failure_.retry),
    }
}

/// An errored attempt: the job runs again if it has retries left and may, else it is dead.
fn failure(run: &Run, backoff: &Backoff, kind: ErrorKind, error: String, retry: bool) -> Finish {
    let failures = run.failures.saturating_add(1);
    if !retry || failures > run.retries {
        let dead = end(run, AttemptStatus::Errored, Some(kind), Some(error), None, JobState::Dead);
        return Finish { failures, ..dead };
    }
    let delay = backoff.delay_after(u32::try_from(failures).unwrap_or(u32::MAX));
    let note = Some(storable_text(&error, ERROR_LIMIT));
    let record = record(AttemptStatus::Errored, Some(kind), Some(error), None);
    Finish { record, failures, ..waits(run, Again { delay, note, ..again(run, JobState::Retrying) }) }
}

fn cancelled(run: &Run, reason: String) -> Finish {
    end(run, AttemptStatus::Cancelled, None, Some(reason), None, JobState::Cancelled)
}

fn hand_back(run: &Run, why: &str) -> Finish {
    let record = record(AttemptStatus::HandedBack, None, Some(format!("handed back: {why}")), None);
    let hand_backs = run.hand_backs.saturating_add(1);
    Finish { record, hand_backs, ..untouched(run, JobState::Ready, None) }
}

/// The attempt is given back: it does not count.
fn untouched(run: &Run, state: JobState, note: Option<String>) -> Finish {
    waits(run, Again { attempt: run.attempt - 1, note, ..again(run, state) })
}

/// A loss. The last one counts only if it was suffered alone: others may have killed the worker.
fn lost(run: &Run, alone: bool) -> Finish {
    let most = if alone { LOSSES } else { LOSSES - 1 };
    let losses = run.losses.saturating_add(1).min(most.max(run.losses));
    let text = format!("its worker died in attempt {} (loss {losses} of {LOSSES})", run.attempt);
    if run.on_lost == OnLost::Fail || losses >= LOSSES {
        return Finish { losses, ..end(run, AttemptStatus::Lost, None, Some(text), None, JobState::Dead) };
    }
    let record = record(AttemptStatus::Lost, None, Some(text), None);
    Finish { record, losses, ..waits(run, again(run, JobState::Ready)) }
}

fn end(
    run: &Run,
    status: AttemptStatus,
    kind: Option<ErrorKind>,
    error: Option<String>,
    output: Option<String>,
    state: JobState,
) -> Finish {
    let held = run.unique.as_ref().map(|(key, _)| HeldKey { job: run.job.clone(), key: key.clone() });
    Finish { held, record: record(status, kind, error, output), ..finish(run, Next::End(state)) }
}

fn waits(run: &Run, again: Again) -> Finish {
    finish(run, Next::Again(again))
}

/// An end with nothing counted and nothing recorded.
fn finish(run: &Run, next: Next) -> Finish {
    let &Run { token, id, failures, losses, hand_backs, .. } = run;
    Finish { token, id, held: None, record: None, failures, losses, hand_backs, next }
}

/// Waits again, due when it was.
fn again(run: &Run, state: JobState) -> Again {
    Again { state, delay: Duration::ZERO, attempt: run.attempt, note: None }
}

fn record(
    status: AttemptStatus,
    kind: Option<ErrorKind>,
    error: Option<String>,
    output: Option<String>,
) -> Option<Record> {
    let error = error.map(|text| storable_text(&text, ERROR_LIMIT));
    Some(Record { status, kind, error, output })
}

fn timeout_text(run: &Run, after: Option<Duration>) -> String {
    let limit = after.or(run.timeout).unwrap_or_default();
    format!("ran longer than its timeout of {}", humantime::format_duration(limit))
}

/// An error with its whole source chain, one line each.
pub(super) fn chain_text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let line = cause.to_string();
        // Many errors repeat their source in their own text.
        if !text.ends_with(&line) {
            text.push_str("\ncaused by: ");
            text.push_str(&line);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::job::{BoxError, cancel, discard, snooze};
    use crate::record::JobId;

    fn run() -> Run {
        Run {
            token: 1,
            id: JobId::generate(),
            job: "j".to_owned(),
            queue: "default".to_owned(),
            priority: 0,
            due_at: Utc::now(),
            enqueued_at: Utc::now(),
            expired: false,
            arguments: "{}".to_owned(),
            shape: String::new(),
            attempt: 3,
            failures: 1,
            losses: 0,
            hand_backs: 0,
            retries: 2,
            timeout: Some(Duration::from_secs(2)),
            on_lost: OnLost::Retry,
            unique: None,
            metadata: None,
            slot: None,
            started_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn error(error: impl Into<BoxError>, told: Option<CancelReason>) -> Ended {
        Ended::Returned(Err(JobFailure { error: error.into().into(), retry: true, output: None }), told)
    }

    fn again_of(finish: &Finish) -> &Again {
        match &finish.next {
            Next::Again(again) => again,
            Next::End(state) => panic!("ended as {state}"),
        }
    }

    #[test]
    fn a_failure_uses_a_retry_until_none_is_left() {
        let first = decide(&run(), None, error("no", None));
        let next = again_of(&first);
        assert_eq!((next.state, first.failures, next.attempt), (JobState::Retrying, 2, 3));
        assert!(next.delay >= Duration::from_secs(24) && next.delay <= Duration::from_secs(36), "{:?}", next.delay);
        let last = decide(&Run { failures: 2, ..run() }, None, error("no", None));
        assert_eq!((last.next, last.failures), (Next::End(JobState::Dead), 3));
    }

    #[test]
    fn steering_errors_are_found_below_added_context() {
        let wrapped = |steer: Steer| anyhow_like(steer);
        assert_eq!(decide(&run(), None, error(wrapped(discard("x")), None)).next, Next::End(JobState::Dead));
        assert_eq!(decide(&run(), None, error(wrapped(cancel("x")), None)).next, Next::End(JobState::Cancelled));
        let later = decide(&run(), None, error(wrapped(snooze(Duration::from_secs(9))), None));
        let next = again_of(&later);
        assert_eq!((next.state, next.delay, later.failures), (JobState::Scheduled, Duration::from_secs(9), 1));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("with context")]
    struct WithContext(#[source] Steer);

    fn anyhow_like(steer: Steer) -> BoxError {
        Box::new(WithContext(steer))
    }

    #[test]
    fn a_stop_by_a_deploy_counts_as_nothing() {
        for ended in [error("stopped", Some(CancelReason::Shutdown)), Ended::Stopped(CancelReason::Shutdown, None)] {
            let back = decide(&run(), None, ended);
            let next = again_of(&back);
            assert_eq!((next.state, next.attempt, back.failures, back.hand_backs), (JobState::Ready, 2, 1, 1));
        }
        let untouched = decide(&run(), None, Ended::NotStarted);
        assert_eq!(untouched.record, None);
        assert_eq!((again_of(&untouched).attempt, untouched.hand_backs), (2, 0));
    }

    #[test]
    fn the_third_loss_is_the_last() {
        let lost = |losses, alone| decide(&Run { losses, ..run() }, None, Ended::Lost { alone });
        for (losses, alone, counted) in [(0, true, 1), (0, false, 1), (1, false, 2), (2, false, 2)] {
            let finish = lost(losses, alone);
            assert_eq!((again_of(&finish).state, finish.losses), (JobState::Ready, counted), "{losses} {alone}");
        }
        assert_eq!(lost(2, true).next, Next::End(JobState::Dead), "nobody else can have killed the worker");
        let once = Run { on_lost: OnLost::Fail, ..run() };
        assert_eq!(decide(&once, None, Ended::Lost { alone: false }).next, Next::End(JobState::Dead));
    }

    #[test]
    fn the_whole_source_chain_is_recorded() {
        let finish = decide(&run(), None, error(anyhow_like(discard("bad input")), None));
        let text = finish.record.and_then(|record| record.error).unwrap_or_default();
        assert_eq!(text, "with context\ncaused by: discarded: bad input");
    }

    #[test]
    fn a_timeout_is_an_error_even_if_the_function_then_returns() {
        let ended = Ended::Returned(Ok(None), Some(CancelReason::Timeout));
        let record = decide(&run(), None, ended).record.unwrap();
        assert_eq!((record.status, record.kind), (AttemptStatus::Errored, Some(ErrorKind::Timeout)));
    }
}
