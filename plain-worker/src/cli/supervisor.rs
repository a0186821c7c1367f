//! `worker --processes N`: worker processes that are started again when they die, and end with their supervisor.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

use super::exit::{Code, Failure, Outcome};
use super::signals::Stop;
use crate::worker::own_program;

/// The flag that a worker process gets after the arguments of its supervisor.
pub(super) const SUPERVISED: &str = "supervised";
/// The wait before a process that died is started again; doubled for each that dies young.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// The longest such wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A process that lived this long did not die young.
const YOUNG: Duration = Duration::from_secs(10);

/// Starts this program with these arguments so many times, and keeps the processes going until the stop.
///
/// Each hangs on a pipe from here, so none outlives this process. Each has a
/// process group of its own, so that Ctrl-C on a terminal reaches it through
/// here alone, once.
pub(super) async fn supervise(processes: usize, drain: bool) -> Outcome {
    let stop = Stop::listen()?;
    let program = own_program()?;
    let arguments: Vec<_> = std::env::args_os().collect();
    // Rung by a signal, and by a process that says that starting it again is of no use.
    let ending = CancellationToken::new();
    let keepers = (1..=processes).map(|number| {
        let keeper = Keeper { number, program: program.clone(), arguments: arguments.clone(), drain };
        keeper.keep(&ending)
    });
    let kept = join_all(keepers);
    tokio::pin!(kept);
    let ends = tokio::select! {
        ends = &mut kept => ends,
        () = stop.told() => {
            ending.cancel();
            kept.await
        }
    };
    let mut code = Code::Done;
    for end in ends {
        match end? {
            Code::Wrong => return Err(Failure::wrong("the worker processes cannot start; their message is above")),
            Code::Failed => code = Code::Failed,
            Code::Done | Code::Again => {}
        }
    }
    Ok(code)
}

/// Keeps one process going.
struct Keeper {
    number: usize,
    program: PathBuf,
    /// Those of this process, the name that it was called by among them.
    arguments: Vec<OsString>,
    drain: bool,
}

impl Keeper {
    /// Starts it, and again when it dies; its last exit code.
    async fn keep(self, ending: &CancellationToken) -> Result<Code, Failure> {
        let number = self.number;
        let mut pause = SHORTEST_PAUSE;
        let mut started_once = false;
        loop {
            let since = Instant::now();
            let wait = match self.start() {
                Ok((mut child, lifeline)) => {
                    started_once = true;
                    let status = watched(&mut child, ending).await;
                    drop(lifeline);
                    let status =
                        status.map_err(|error| Failure::failed(format!("a process cannot be waited for: {error}")))?;
                    if ending.is_cancelled() {
                        return Ok(if status.success() { Code::Done } else { Code::Failed });
                    }
                    match status.code() {
                        Some(code) if code == Code::Wrong as i32 => {
                            // The others would say the same.
                            ending.cancel();
                            return Ok(Code::Wrong);
                        }
                        Some(0) if self.drain => return Ok(Code::Done),
                        Some(code) if code == Code::Again as i32 => {
                            tracing::info!(
                                process = number,
                                "a worker process has done its share; a new one is started"
                            );
                            pause = SHORTEST_PAUSE;
                            Duration::ZERO
                        }
                        _ => {
                            pause =
                                if since.elapsed() > YOUNG { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                            tracing::warn!(process = number, end = %status, again_in = ?pause, "a worker process ended");
                            pause
                        }
                    }
                }
                Err(error) if !started_once => {
                    ending.cancel();
                    return Err(Failure::failed(format!("this program cannot be started again: {error}")));
                }
                Err(error) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    tracing::error!(process = number, %error, again_in = ?pause, "a worker process could not be started");
                    pause
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = ending.cancelled() => return Ok(Code::Done),
            }
        }
    }

    /// Starts the process; it ends when the pipe is dropped.
    fn start(&self) -> io::Result<(Child, Option<ChildStdin>)> {
        let mut command = Command::new(&self.program);
        #[cfg(unix)]
        {
            command.process_group(0);
            if let Some(name) = self.arguments.first() {
                command.arg0(name);
            }
        }
        command.args(self.arguments.iter().skip(1)).arg(format!("--{SUPERVISED}"));
        let mut child = command.stdin(Stdio::piped()).kill_on_drop(true).spawn()?;
        tracing::info!(process = self.number, pid = child.id(), "worker process started");
        let lifeline = child.stdin.take();
        Ok((child, lifeline))
    }
}

/// Waits for its end, and tells it to stop when everything ends.
async fn watched(child: &mut Child, ending: &CancellationToken) -> io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = ending.cancelled() => {}
    }
    terminate(child);
    child.wait().await
}

/// Asks for a clean stop.
#[cfg(unix)]
fn terminate(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    // One that has ended in this very moment needs no signal.
    let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
}

/// The same where there is no such signal: its jobs are left to be rescued.
#[cfg(not(unix))]
fn terminate(child: &mut Child) {
    // As above.
    let _ = child.start_kill();
}
