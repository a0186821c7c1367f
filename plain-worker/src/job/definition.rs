use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{BoxError, MissingState, Scope, States};
use crate::command::Command;
use crate::retry::Backoff;
use crate::status::{OnLost, UniqueUntil};

/// Everything known about a job at compile time.
#[derive(Debug)]
#[non_exhaustive]
pub struct JobDef {
    /// The stable name under which rows are stored.
    pub name: &'static str,
    /// Earlier names whose rows this job also runs.
    pub aliases: &'static [&'static str],
    /// The source file of the function.
    pub file: &'static str,
    /// The line of the function.
    pub line: u32,
    /// The doc comment of the function.
    pub doc: &'static str,
    /// The arguments that are stored, in the order of the function's.
    pub arguments: &'static [Argument],
    /// The parameters that the worker provides.
    pub injected: &'static [Injected],
    /// Whether it is a plain function, which runs on a thread of its own.
    pub blocking: bool,
    /// What the attribute says about its runs.
    pub options: JobOptions,
    /// The schedules written on it.
    pub schedules: &'static [ScheduleDef],
    /// The command of the operating system that it runs; none for a function.
    pub command: Option<&'static Command>,
    /// Tells whether stored arguments can be read, without running anything.
    #[doc(hidden)]
    pub check: fn(&str) -> Result<(), PayloadError>,
    /// Reads stored arguments and prepares a run.
    #[doc(hidden)]
    pub start: fn(&str, &Scope) -> Result<Started, PayloadError>,
}

impl JobDef {
    /// What the macro writes; a function so that the struct may grow.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        name: &'static str,
        check: fn(&str) -> Result<(), PayloadError>,
        start: fn(&str, &Scope) -> Result<Started, PayloadError>,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            file: "",
            line: 0,
            doc: "",
            arguments: &[],
            injected: &[],
            blocking: false,
            options: JobOptions::DEFAULT,
            schedules: &[],
            command: None,
            check,
            start,
        }
    }

    /// The fingerprint of the arguments' names and types: 16 hexadecimal digits.
    ///
    /// Rows written by another shape are decoded all the same; the shape tells
    /// a worker which rows it has to try and which are its own.
    #[must_use]
    pub fn shape(&self) -> String {
        // FNV-1a: stable across builds and platforms, which std's hashers do not promise.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for argument in self.arguments {
            for part in [argument.name, argument.type_text] {
                for byte in part.bytes().filter(|byte| !byte.is_ascii_whitespace()).chain([0]) {
                    hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        format!("{hash:016x}")
    }

    /// Where the function stands, as `file:line`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// One stored argument of a job.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Argument {
    /// Its name in the function and in the stored JSON (after `#[serde(rename)]`: in the function).
    pub name: &'static str,
    /// Its type as written in the source.
    pub type_text: &'static str,
    /// Whether it may be missing in the stored JSON (`Option<..>` or `#[serde(default)]`).
    pub optional: bool,
    /// Whether its value is hidden in logs and pages.
    pub redacted: bool,
}

impl Argument {
    /// What the macro writes; a function so that the struct may grow.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, type_text: &'static str, optional: bool, redacted: bool) -> Self {
        Self { name, type_text, optional, redacted }
    }
}

/// One `#[inject]`ed parameter of a job.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Injected {
    /// Its name in the function.
    pub name: &'static str,
    /// Its type as written in the source.
    pub type_text: &'static str,
    /// Tells whether a worker with these states can provide it.
    #[doc(hidden)]
    pub check: fn(&States) -> Result<(), MissingState>,
}

impl Injected {
    /// What the macro writes; a function so that the struct may grow.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        name: &'static str,
        type_text: &'static str,
        check: fn(&States) -> Result<(), MissingState>,
    ) -> Self {
        Self { name, type_text, check }
    }
}

impl std::fmt::Debug for Injected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.type_text)
    }
}

/// What the attribute says about a job's runs; each can be overridden at the enqueue but for `backoff`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct JobOptions {
    /// The queue it waits in: `default` unless named.
    pub queue: &'static str,
    /// Higher runs first; 0 unless given.
    pub priority: i16,
    /// How often it may run again after failing; 0 unless given.
    pub retries: u32,
    /// How long it waits after a failure.
    pub backoff: Backoff,
    /// How long one attempt may run; without end unless given.
    pub timeout: Option<Duration>,
    /// For how long after its enqueue it is worth starting; for ever unless given.
    pub expires_in: Option<Duration>,
    /// What makes two enqueues the same; nothing unless given.
    pub unique: Option<Unique>,
    /// What becomes of it when its worker dies.
    pub on_lost: OnLost,
    /// Whether arguments that the function does not have are ignored.
    pub allow_unknown: bool,
}

impl JobOptions {
    /// The options of a bare `#[job]`.
    pub const DEFAULT: Self = Self {
        queue: "default",
        priority: 0,
        retries: 0,
        backoff: Backoff::DEFAULT,
        timeout: None,
        expires_in: None,
        unique: None,
        on_lost: OnLost::Retry,
        allow_unknown: false,
    };
}

/// `unique` on a job: the arguments that make the key, and until when it is held.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Unique {
    /// The names of the arguments that make the key; all of them when empty.
    pub arguments: &'static [&'static str],
    /// Until when the key is held.
    pub until: UniqueUntil,
}

impl Unique {
    /// What the macro writes; a function so that the struct may grow.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(arguments: &'static [&'static str], until: UniqueUntil) -> Self {
        Self { arguments, until }
    }
}

/// One `#[scheduled("..")]` on a job.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ScheduleDef {
    /// The name given by `name = ".."`.
    pub name: Option<&'static str>,
    /// The cron expression, known to be valid.
    pub expression: &'static str,
    /// The IANA zone; the worker's when none is given.
    pub zone: Option<&'static str>,
    /// What happens to slots missed in a downtime; `latest` unless given.
    pub catch_up: Option<&'static str>,
    /// What happens when the run before is still going; `skip` unless given.
    pub overlap: Option<&'static str>,
    /// How old a missed slot may be to be run under `latest`; the worker's setting unless given.
    pub window: Option<Duration>,
    /// The given arguments as they stand in the source, by which a schedule without a name is known.
    pub given: &'static str,
    /// The stored arguments of a run, made anew for each slot.
    #[doc(hidden)]
    pub arguments: fn() -> Result<String, BoxError>,
}

impl ScheduleDef {
    /// What the macro writes; a function so that the struct may grow.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(expression: &'static str, arguments: fn() -> Result<String, BoxError>) -> Self {
        Self { name: None, expression, zone: None, catch_up: None, overlap: None, window: None, given: "", arguments }
    }
}

/// Stored arguments that a job cannot read.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// They are not what the function takes; the text names the argument.
    #[error("{0}")]
    Unreadable(String),
    /// A parameter could not be provided by the worker.
    #[error(transparent)]
    Missing(#[from] MissingState),
}

/// A run that is ready to go.
#[doc(hidden)]
pub enum Started {
    /// The future of an `async fn`.
    Async(Pin<Box<dyn Future<Output = RunEnd> + Send>>),
    /// The call of a plain `fn`.
    Blocking(Box<dyn FnOnce() -> RunEnd + Send>),
}

/// How the user's function ended: its output as JSON text (none for `()`), or its failure.
pub type RunEnd = Result<Option<String>, JobFailure>;

/// The error of a job's function, and whether its `retry_if` would have it run again.
#[derive(Debug)]
pub struct JobFailure {
    /// The error as the function returned it.
    pub error: Arc<dyn std::error::Error + Send + Sync>,
    /// What `retry_if` said; `true` without one.
    pub retry: bool,
    /// What it left behind all the same, as JSON text; a command's streams.
    pub output: Option<String>,
}
