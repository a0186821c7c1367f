//! Commands of the operating system that run as jobs: what they are, and how they are known.

mod definition;
mod name;
mod output;

use std::time::Duration;

pub use definition::{CommandSchedule, Registered};
pub(crate) use definition::{Found, definitions};
pub(crate) use name::is_command;
pub use output::CommandOutput;

use crate::retry::Backoff;

/// How long a command has after SIGTERM, unless it says otherwise.
const STOP_AFTER: Duration = Duration::from_secs(5);

/// A command that a worker runs by a schedule; its job is known by what it runs.
///
/// Made of a program and its arguments, which no shell reads, or of a line for `sh -c`.
/// Prefer the first: nothing in it has a meaning of its own, neither a space in a file's name
/// nor a `$`.
///
/// A text that begins with `cmd:` is a command for the shell, and a list of texts is a program
/// with its arguments, wherever a command is asked for.
///
/// ```
/// use std::time::Duration;
/// use plain_worker::Command;
///
/// let backup = Command::new("pg_dump")
///     .args(["--file=/backup/app.sql", "app"])
///     .directory("/backup")
///     .keep_env(["PATH", "PGPASSFILE"])
///     .timeout(Duration::from_secs(30 * 60));
/// assert_eq!(backup.job_name(), "exec:pg_dump --file=/backup/app.sql app");
///
/// let old = Command::shell("find /backup -mtime +30 -delete");
/// assert_eq!(old.job_name(), "cmd:find /backup -mtime +30 -delete");
/// assert_eq!(Command::from("cmd:find /backup -mtime +30 -delete"), old);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    what: What,
    name: Option<String>,
    directory: Option<String>,
    environment: Environment,
    stop_after: Duration,
    options: Options,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments.
    List(Vec<String>),
    /// A text that was meant to be a command and is none.
    Unclear(String),
}

/// What becomes of the worker's own environment.
#[derive(Clone, Default, PartialEq, Eq)]
struct Environment {
    /// The variables that are passed on; all of them when `None`.
    keep: Option<Vec<String>>,
    set: Vec<(String, String)>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secret.
        let names: Vec<_> = self.set.iter().map(|(name, _)| name).collect();
        f.debug_struct("Environment").field("keep", &self.keep).field("set", &names).finish()
    }
}

/// What a job's attribute says of other jobs.
#[derive(Clone, Debug)]
struct Options {
    queue: String,
    priority: i16,
    retries: u32,
    backoff: Backoff,
    timeout: Option<Duration>,
}

impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        // A backoff may hold a function, which is the same if its text is.
        let text = |options: &Self| format!("{options:?}");
        text(self) == text(other)
    }
}

impl Command {
    /// A program, by its path or to be found in `PATH`; no shell reads it.
    pub fn new(program: impl Into<String>) -> Self {
        Self::of(What::List(vec![program.into()]))
    }

    /// A line for `sh -c`, with all that the shell makes of it.
    pub fn shell(line: impl Into<String>) -> Self {
        Self::of(What::Shell(line.into()))
    }

    fn of(what: What) -> Self {
        let options =
            Options { queue: "default".to_owned(), priority: 0, retries: 0, backoff: Backoff::DEFAULT, timeout: None };
        let environment = Environment::default();
        Self { what, name: None, directory: None, environment, stop_after: STOP_AFTER, options }
    }

    /// One more argument; for a line of the shell it is `$0`, `$1` and so on.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        match &mut self.what {
            What::List(list) => list.push(argument.into()),
            What::Shell(line) => {
                let list = ["sh".to_owned(), "-c".to_owned(), std::mem::take(line), argument.into()];
                self.what = What::List(list.into());
            }
            What::Unclear(_) => {}
        }
        self
    }

    /// More arguments.
    pub fn args<I: IntoIterator<Item: Into<String>>>(self, arguments: I) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// The name of its job and of its schedule, 1 to 200 bytes, in the place of what it runs.
    ///
    /// Needed for two commands that run the same in different folders, and useful for one that
    /// changes: with it, history and schedule stay.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The folder in which it runs; the worker's own by default.
    pub fn directory(mut self, directory: impl Into<String>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Gives it none of the worker's environment variables.
    pub fn clear_env(mut self) -> Self {
        self.environment.keep.get_or_insert_default();
        self
    }

    /// Gives it these environment variables of the worker, as far as they are set, and no others.
    pub fn keep_env<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.environment.keep.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.set.push((name.into(), value.into()));
        self
    }

    /// How long it has from SIGTERM to SIGKILL when it is told to stop: 5 s by default.
    pub fn stop_after(mut self, span: Duration) -> Self {
        self.stop_after = span;
        self
    }

    /// The queue that its job waits in: `default` unless named.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.options.queue = name.into();
        self
    }

    /// Its job runs before all that are lower; 0 by default.
    pub fn priority(mut self, priority: i16) -> Self {
        self.options.priority = priority;
        self
    }

    /// How often it may run again after failing; 0 by default.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = retries;
        self
    }

    /// How long it waits after a failure.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.options.backoff = backoff;
        self
    }

    /// How long it may run; without end by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// The name of its job: the one it was given, else what it runs.
    ///
    /// `cmd:` and the line, or `exec:` and the list as one would type it; what takes more than
    /// 200 bytes is cut and ends with a hash of the whole.
    #[must_use]
    pub fn job_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| name::of(&self.what))
    }

    /// The program and its arguments, as they are executed.
    pub(crate) fn argv(&self) -> Vec<String> {
        match &self.what {
            What::Shell(line) => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
            What::List(list) => list.clone(),
            What::Unclear(text) => vec![text.clone()],
        }
    }

    pub(crate) fn working_directory(&self) -> Option<&str> {
        self.directory.as_deref()
    }

    /// The names of the variables that it keeps of the worker's; all of them when `None`.
    pub(crate) fn kept_env(&self) -> Option<&[String]> {
        self.environment.keep.as_deref()
    }

    pub(crate) fn set_env(&self) -> &[(String, String)] {
        &self.environment.set
    }

    /// The name that it was given.
    pub(crate) fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn grace(&self) -> Duration {
        self.stop_after
    }

    /// What is wrong with it, if anything: the operating system would refuse it, or a row could not hold it.
    fn wrong(&self) -> Option<String> {
        let wrong_variable = |name: &str| name.is_empty() || name.contains(['=', '\0']);
        let environment = &self.environment;
        let mut names = environment.set.iter().map(|(name, _)| name).chain(environment.keep.iter().flatten());
        let texts = self.argv().into_iter().chain(self.directory.clone());
        if let What::Unclear(text) = &self.what {
            return Some(format!(
                "`{text}` is no command: write `cmd:{text}` for the shell, or a list of the program and its arguments"
            ));
        }
        if self.argv().first().is_none_or(String::is_empty)
            || matches!(&self.what, What::Shell(line) if line.trim().is_empty())
        {
            return Some("it names no program".to_owned());
        }
        if let Some(name) = names.find(|name| wrong_variable(name)) {
            return Some(format!("`{name}` is not the name of an environment variable"));
        }
        if texts.chain(environment.set.iter().map(|(_, value)| value.clone())).any(|text| text.contains('\0')) {
            return Some("it holds a NUL, which no program can be given".to_owned());
        }
        let limits = [("name", self.job_name()), ("queue", self.options.queue.clone())];
        let wrong =
            limits.iter().find(|(_, text)| text.is_empty() || text.len() > name::LONGEST || text.contains('\0'));
        if let Some((what, _)) = wrong {
            return Some(format!("its {what} must have 1 to {} bytes without NUL", name::LONGEST));
        }
        (self.options.timeout.is_some_and(|timeout| timeout < Duration::from_millis(1)))
            .then(|| "a timeout of less than 1 ms lets nothing run".to_owned())
    }
}

impl From<&str> for Command {
    /// What follows `cmd:` is for the shell; any other text is refused when the worker starts.
    fn from(text: &str) -> Self {
        match text.strip_prefix(name::SHELL) {
            Some(line) => Self::shell(line.trim()),
            None => Self::of(What::Unclear(text.to_owned())),
        }
    }
}

impl From<String> for Command {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Command {
    /// A program and its arguments.
    fn from(list: [T; N]) -> Self {
        Self::of(What::List(list.map(Into::into).into()))
    }
}

impl<T: Into<String>> From<Vec<T>> for Command {
    /// A program and its arguments.
    fn from(list: Vec<T>) -> Self {
        Self::of(What::List(list.into_iter().map(Into::into).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_program_can_be_given_is_refused() {
        let wrong = |command: Command| command.wrong().unwrap_or_default();
        assert_eq!(wrong(Command::new("true")), "");
        assert_eq!(wrong(Command::shell(" ")), "it names no program");
        assert_eq!(wrong(Vec::<String>::new().into()), "it names no program");
        assert_eq!(wrong(Command::new("echo").arg("a\0b")), "it holds a NUL, which no program can be given");
        assert_eq!(wrong(Command::new("true").env("A=B", "")), "`A=B` is not the name of an environment variable");
        assert_eq!(wrong(Command::new("true").name("")), "its name must have 1 to 200 bytes without NUL");
        assert_eq!(
            wrong("echo".into()),
            "`echo` is no command: write `cmd:echo` for the shell, or a list of the program and its arguments"
        );
    }

    #[test]
    fn values_of_variables_are_not_shown() {
        let text = format!("{:?}", Command::new("true").env("TOKEN", "secret"));
        assert!(text.contains("TOKEN") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn a_line_with_arguments_is_given_to_the_shell_with_them() {
        let command = Command::shell("echo \"$1\"").args(["sh", "a b"]);
        assert_eq!(command.argv(), ["sh", "-c", "echo \"$1\"", "sh", "a b"]);
    }
}
