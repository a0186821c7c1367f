//! One run of a command, from its claim to its end.

use std::time::Duration;

use super::guarded::Guarded;
use super::protocol::{HURRY, Order, Report, STOP};
use crate::command::{Command, CommandOutput};
use crate::job::{BoxError, JobFailure, RunEnd};
use crate::payload;
use crate::record::Run;
use crate::status::CancelReason;
use crate::worker::context::Cancellation;
use crate::worker::executor::Attempt;
use crate::worker::outcome::Ended;
use rustix::process::Signal;

/// How much longer than its time to stop a command may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same when the grace period of the worker is over: there must be time to record that it is handed back. Its
/// guard ends it all the same.
const LAST_MOMENT: Duration = Duration::from_millis(400);
/// How soon after a service's SIGTERM, which reaches commands too, the worker has heard of it.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Runs a command under its guard until its whole process group has ended.
///
/// Told to stop (a timeout, a person, another worker that has the job) it ends
/// the group; at a shutdown it lets it go on until `kill`, the end of the grace
/// period.
pub(in crate::worker) async fn run(attempt: &Attempt<'_>, command: &Command) -> Ended {
    let &Attempt { run, definition, cancellation, guard, .. } = attempt;
    if let Err(error) = (definition.check)(&run.arguments) {
        return Ended::Corrupt(format!("a command takes no arguments, and this row has some: {error}"));
    }
    let started = match guard {
        Some(guard) => Guarded::start(guard, &order(command, run)).await,
        // A worker with commands has one from its start on.
        None => Err("there is no guard for it".to_owned()),
    };
    let mut guarded = match started {
        Ok(guarded) => guarded,
        Err(reason) => return failed(format!("the command was not started: {reason}"), cancellation),
    };
    tracing::debug!(id = %run.id, job = %run.job, "command started");
    let Some(report) = watch(&mut guarded, command, attempt).await else {
        return Ended::Stopped(cancellation.reason().unwrap_or(CancelReason::Shutdown), run.timeout);
    };
    // Nothing of the command is left; its guard ends without anybody waiting.
    tokio::spawn(guarded.end());
    match report {
        Ok(Report::Ended { output, stopped }) => {
            if !stopped && may_be_shutdown(&output) {
                let _ = tokio::time::timeout(SAME_SIGNAL, cancellation.cancelled()).await;
            }
            Ended::Returned(end(output, stopped), cancellation.reason())
        }
        Ok(Report::NotStarted(reason)) | Err(reason) => failed(reason, cancellation),
    }
}

/// Waits for the report, and passes on every wish that the command ends; none if it outlasts all of them.
async fn watch(guarded: &mut Guarded, command: &Command, attempt: &Attempt<'_>) -> Option<Result<Report, String>> {
    let &Attempt { run, cancellation, .. } = attempt;
    let kill = &attempt.running.kill;
    let timeout = async {
        match run.timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let forever = Duration::from_secs(60 * 60 * 24 * 365);
    let patience = tokio::time::sleep(forever);
    tokio::pin!(timeout, patience);
    let (mut timed_out, mut cancelled, mut killed) = (false, false, false);
    loop {
        let word = tokio::select! {
            biased;
            report = guarded.report() => return Some(report),
            () = &mut timeout, if !timed_out => {
                timed_out = true;
                cancellation.cancel(CancelReason::Timeout);
                Some(STOP)
            }
            () = cancellation.cancelled(), if !cancelled => {
                cancelled = true;
                (cancellation.reason() != Some(CancelReason::Shutdown)).then_some(STOP)
            }
            () = kill.cancelled(), if !killed => {
                killed = true;
                cancellation.cancel(CancelReason::Shutdown);
                Some(HURRY)
            }
            () = &mut patience => {
                tracing::warn!(id = %run.id, job = %run.job, "a command was told to stop and did not end");
                return None;
            }
        };
        if let Some(word) = word {
            guarded.tell(word).await;
            let limit = if killed { LAST_MOMENT } else { command.grace() + PATIENCE };
            patience.as_mut().reset(tokio::time::Instant::now() + limit);
        }
    }
}

/// Whether it ended as by the signal of a shutdown, which a service's manager sends to all processes at once: then
/// it may have heard it before this worker did.
fn may_be_shutdown(output: &CommandOutput) -> bool {
    // A shell that the signal ended gives it as a status.
    let signal = output.signal.or(output.exit_status.map(|status| status - 128));
    signal
        .and_then(Signal::from_named_raw)
        .is_some_and(|signal| [Signal::TERM, Signal::INT, Signal::HUP].contains(&signal))
}

fn order(command: &Command, run: &Run) -> Order {
    let own = |name: &str, value: String| (format!("PLAIN_WORKER_{name}"), value);
    let mut set = command.set_env().to_vec();
    set.push(own("JOB_ID", run.id.to_string()));
    set.push(own("ATTEMPT", run.attempt.to_string()));
    set.extend(run.slot.map(|slot| own("SLOT", slot.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))));
    Order {
        argv: command.argv(),
        directory: command.working_directory().map(str::to_owned),
        keep: command.kept_env().map(<[_]>::to_vec),
        set,
        stop_after_ms: u64::try_from(command.grace().as_millis()).unwrap_or(u64::MAX),
    }
}

/// A status of 0 is a success, but for one that it ended with because it was told to end.
fn end(output: CommandOutput, stopped: bool) -> RunEnd {
    let error = output.error();
    let text = payload::to_json(&output).unwrap_or_default();
    let text = Some(text).filter(|text| !text.is_empty());
    if output.exit_status == Some(0) && !stopped {
        Ok(text)
    } else {
        Err(JobFailure { error: BoxError::from(error).into(), retry: true, output: text })
    }
}

fn failed(reason: String, cancellation: &Cancellation) -> Ended {
    let failure = JobFailure { error: BoxError::from(reason).into(), retry: true, output: None };
    Ended::Returned(Err(failure), cancellation.reason())
}
