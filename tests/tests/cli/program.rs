use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use plain_worker_tests::{Database, PATIENCE};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What one call of a program printed, and how it ended.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Its stdout, if it ended well.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert!(!self.stderr.contains("thread '"), "it panicked: {self:?}");
        &self.stdout
    }

    /// Its stdout as JSON, if it ended well.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.ok()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Its stderr, if it ended with that code; no backtrace, no panic.
    #[track_caller]
    pub fn fails(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.stderr.contains("thread '") && !self.stderr.contains("backtrace"), "it panicked: {self:?}");
        &self.stderr
    }
}

/// A call of one of the programs, with an environment of the test's own.
pub struct Call(Command, Option<String>);

/// Calls the program with many jobs.
pub fn jobs(database: &Database, line: &[&str]) -> Call {
    call(env!("CARGO_BIN_EXE_jobs"), database.folder.path(), line).env("DATABASE_URL", &database.url)
}

/// Calls a program in a folder, without a database in its environment.
pub fn call(program: &str, folder: &Path, line: &[&str]) -> Call {
    let mut command = Command::new(program);
    command.args(line).current_dir(folder).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("PLAIN_WORKER_") || name == "DATABASE_URL" || name.starts_with("RUST_") {
            command.env_remove(&*name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Call(command, None)
}

impl Call {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// What it reads from stdin.
    pub fn stdin(mut self, text: &str) -> Self {
        self.0.stdin(Stdio::piped());
        self.1 = Some(text.to_owned());
        self
    }

    /// The command itself, for tests that want more of it than its answer.
    pub fn command(self) -> Command {
        self.0
    }

    /// Runs it to its end.
    pub async fn answer(mut self) -> Answer {
        let mut child = self.0.spawn().expect("a program of the workspace");
        if let (Some(text), Some(mut stdin)) = (self.1, child.stdin.take()) {
            stdin.write_all(text.as_bytes()).await.expect("it reads");
        }
        let ended = tokio::time::timeout(PATIENCE + Duration::from_secs(30), child.wait_with_output()).await;
        let output = ended.expect("it ends in time").expect("its streams");
        Answer {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
