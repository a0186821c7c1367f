use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Command;

use crate::{Database, PATIENCE};

/// How long a killed process may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(20);

/// A real process of ours, in a process group of its own; killed and waited for when it is dropped.
///
/// Its standard input is a pipe that closes with us, so that a program that
/// reads it ends even if we are killed; what it prints is collected.
pub struct Program {
    child: Child,
    _stdin: Option<ChildStdin>,
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
    pub fn start_command(command: Command) -> Self {
        let mut command = command.into_std();
        command.env_remove("PLAIN_WORKER_DATABASE_URL").env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("a program of the workspace");
        let output = Arc::default();
        collect(child.stdout.take().expect("piped"), &output);
        collect(child.stderr.take().expect("piped"), &output);
        Self { _stdin: child.stdin.take(), child, output }
    }

    /// Its process id.
    ///
    /// # Panics
    /// Never: a process that was started has one.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid")
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

    /// Whether it still runs, or is stopped.
    ///
    /// # Panics
    /// When the system does not know our own child.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal to our own child");
    }

    /// Kills it at once (SIGKILL) and waits until it is gone.
    ///
    /// # Panics
    /// When the system does not end it.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        assert!(self.gone_within(LAST_BREATH).is_some(), "a killed process is still there");
    }

    /// Waits for its end and gives its exit code; none when a signal ended it.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn ended(&mut self) -> Option<i32> {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "it never ended; it printed:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        // The last lines arrive after the end.
        while Arc::strong_count(&self.output) > 1 && start.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        status.code()
    }

    fn gone_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(5)),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // The group first, so that what it has started goes with it. Either may be gone in this very moment.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.kill();
        self.gone_within(LAST_BREATH);
    }
}

fn collect(stream: impl Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut output = output.lock().expect("no holder panics");
            output.push_str(&line);
            output.push('\n');
        }
    });
}
