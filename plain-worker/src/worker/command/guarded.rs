//! A command under its guard, as the worker sees it.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};

use super::program::{GuardProgram, MARK};
use super::protocol::{HELLO, Order, Report};
use crate::error::{Error, Result};

/// How long a guard may take to begin: longer than any program of good will needs on a busy machine.
const BEGIN: Duration = Duration::from_secs(30);
/// How long a guard may take to end after its report.
const END: Duration = Duration::from_secs(5);

/// A guard with its command. Dropping it ends both, as the worker's death does.
pub(super) struct Guarded {
    child: Child,
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    answer: Vec<u8>,
}

impl GuardProgram {
    /// Starts it once, to see that it is a guard and speaks as this worker does.
    pub(in crate::worker) async fn probe(&self) -> Result<()> {
        let guarded =
            Guarded::begin(self).await.map_err(|reason| Error::Worker(format!("commands cannot run: {reason}")))?;
        guarded.end().await;
        Ok(())
    }
}

impl Guarded {
    /// Starts a guard and gives it its order; the text says what went wrong.
    pub(super) async fn start(program: &GuardProgram, order: &Order) -> Result<Self, String> {
        let mut guarded = Self::begin(program).await?;
        let mut text = serde_json::to_vec(order).map_err(|error| error.to_string())?;
        text.push(b'\n');
        match guarded.write.write_all(&text).await {
            Ok(()) => Ok(guarded),
            Err(error) => Err(format!("its guard does not take its order: {error}")),
        }
    }

    /// Starts a guard and hears its first line.
    async fn begin(program: &GuardProgram) -> Result<Self, String> {
        let named = program.path.display();
        let (mut child, socket) =
            spawn(program).map_err(|error| format!("their guard {named} cannot be started: {error}"))?;
        let (read, write) = socket.into_split();
        let mut read = BufReader::new(read);
        let mut hello = String::new();
        // A guard says one short line; anything else may go on for ever.
        let mut first = (&mut read).take(HELLO.len() as u64);
        let heard = tokio::time::timeout(BEGIN, first.read_line(&mut hello)).await;
        if matches!(heard, Ok(Ok(_))) && hello == HELLO {
            return Ok(Self { child, read, write, answer: Vec::new() });
        }
        let what = match heard {
            Ok(Ok(0)) => "ends without a word".to_owned(),
            Ok(Ok(_)) => format!("says `{}`, where this worker needs `{}`", hello.trim(), HELLO.trim()),
            Ok(Err(error)) => format!("cannot be heard: {error}"),
            Err(_) => format!("says nothing in {}", humantime::format_duration(BEGIN)),
        };
        let _ = child.start_kill();
        let errors = last_words(&mut child).await;
        // Its end is seen to by the runtime, whenever that is.
        let _ = tokio::time::timeout(END, child.wait()).await;
        Err(format!(
            "their guard {named} {what}{errors}; it must be of the same version of plain-worker, and its `main` must begin with `plain_worker::guard_commands()`"
        ))
    }

    /// Tells the guard how the command is to end; a guard that is gone hears nothing.
    pub(super) async fn tell(&mut self, word: u8) {
        if let Err(error) = self.write.write_all(&[word]).await {
            tracing::debug!(%error, "a guard does not listen");
        }
    }

    /// Waits for the report; may be dropped and called again.
    pub(super) async fn report(&mut self) -> Result<Report, String> {
        let gone = "its guard was killed; what it ran may still be running";
        match self.read.read_until(b'\n', &mut self.answer).await {
            Ok(_) if self.answer.ends_with(b"\n") => serde_json::from_slice(&self.answer)
                .map_err(|error| format!("its guard's report cannot be read: {error}")),
            Ok(_) => Err(gone.to_owned()),
            Err(error) => Err(format!("{gone} ({error})")),
        }
    }

    /// Waits until the guard itself has ended.
    pub(super) async fn end(self) {
        let Self { mut child, read, write, .. } = self;
        drop((read, write));
        if tokio::time::timeout(END, child.wait()).await.is_err() {
            tracing::warn!("a guard does not end");
        }
    }
}

/// Starts the program in a group of its own, where a terminal's signals do not reach it.
fn spawn(program: &GuardProgram) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).env(MARK, "1").process_group(0);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    // What its `main` prints before it becomes a guard is nobody's; its errors may tell why it did not.
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn()?;
    // It holds their end of the socket, which must close with the guard.
    drop(command);
    Ok((child, UnixStream::from_std(ours)?))
}

/// The end of what a guard that failed wrote to its standard error.
async fn last_words(child: &mut Child) -> String {
    let mut text = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let mut stderr = stderr.take(2048);
        // What it has not written by now is not waited for: a child of its own may hold the stream.
        let _ = tokio::time::timeout(Duration::from_secs(1), stderr.read_to_end(&mut text)).await;
    }
    let text = String::from_utf8_lossy(&text);
    if text.trim().is_empty() { String::new() } else { format!(" (`{}`)", text.trim()) }
}
