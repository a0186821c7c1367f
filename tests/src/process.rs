use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::{Database, PATIENCE, until};

/// A real process of ours, ended when it is dropped.
pub struct Program {
    child: Child,
    output: Arc<Mutex<String>>,
}

impl Program {
    /// Starts a program on a database, in a folder of the test's own.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(program: impl AsRef<Path>, database: &Database, arguments: &[&str]) -> Self {
        let mut command = Command::new(program.as_ref());
        command.args(arguments).env("DATABASE_URL", &database.url).current_dir(database.folder.path());
        Self::start_command(command)
    }

    /// Starts what has been prepared.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_command(mut command: Command) -> Self {
        command.env_remove("PLAIN_WORKER_DATABASE_URL").env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("a program of the workspace");
        let output = Arc::default();
        collect(child.stdout.take().expect("piped"), &output);
        collect(child.stderr.take().expect("piped"), &output);
        Self { child, output }
    }

    /// What it has printed so far, both streams.
    ///
    /// # Panics
    /// Never: the lock is held for single calls only.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.lock().expect("no holder panics").clone()
    }

    /// Waits until it has printed that.
    ///
    /// # Panics
    /// When it does not in time; the text shows what it printed instead.
    pub async fn prints(&self, text: &str) {
        let start = Instant::now();
        while !self.output().contains(text) {
            assert!(start.elapsed() < PATIENCE, "it never printed `{text}`, but:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(id).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("a signal to our own child");
    }

    /// Waits for its end and gives its exit code; none when a signal ended it.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn ended(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let Ok(status) = ended else { panic!("it never ended; it printed:\n{}", self.output()) };
        let code = status.expect("our own child").code();
        // The last lines arrive after the end.
        let output = Arc::clone(&self.output);
        until("its streams are read", || async { (Arc::strong_count(&output) <= 2).then_some(()) }).await;
        code
    }
}

fn collect(stream: impl AsyncRead + Unpin + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut output = output.lock().expect("no holder panics");
            output.push_str(&line);
            output.push('\n');
        }
    });
}
