//! What is stored of a command's end.

use serde::{Deserialize, Serialize};

/// How a command ended and what it printed: the output of its job, also of one that failed.
///
/// Of each stream the last 64 KiB are kept. Bytes that are no UTF-8 are replaced by `�`, and a NUL
/// is written as `\0`.
///
/// ```
/// use plain_worker::CommandOutput;
///
/// # let row_output = r#"{"exit_status":3,"signal":null,"stdout":"","stdout_bytes":0,"stderr":"no\n","stderr_bytes":3}"#;
/// let output: CommandOutput = serde_json::from_str(row_output)?;
/// assert_eq!((output.exit_status, output.stderr.as_str()), (Some(3), "no\n"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandOutput {
    /// Its exit status; none when a signal ended it.
    pub exit_status: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// The end of what it wrote to its standard output.
    pub stdout: String,
    /// How many bytes that were in all.
    pub stdout_bytes: u64,
    /// The end of what it wrote to its standard error.
    pub stderr: String,
    /// How many bytes that were in all.
    pub stderr_bytes: u64,
}

/// The most of its standard error that an error repeats, in bytes.
const LAST_WORDS: usize = 1024;

impl CommandOutput {
    /// How it ended, in words.
    pub(crate) fn end(&self) -> String {
        match (self.exit_status, self.signal) {
            (Some(status), _) => format!("exited with status {status}"),
            (None, Some(signal)) => match signal_name(signal) {
                Some(name) => format!("was ended by signal {signal} ({name})"),
                None => format!("was ended by signal {signal}"),
            },
            (None, None) => "ended in an unknown way".to_owned(),
        }
    }

    /// The error that its failure is recorded with: how it ended, and its last words.
    pub(crate) fn error(&self) -> String {
        let said = self.stderr.trim_end();
        let start = said.ceil_char_boundary(said.len().saturating_sub(LAST_WORDS));
        // The middle of a line says little.
        let said = match said[start..].split_once('\n') {
            Some((_, whole)) if start > 0 => whole,
            _ => &said[start..],
        };
        let end = self.end();
        if said.is_empty() { format!("the command {end}") } else { format!("the command {end}: {said}") }
    }
}

/// The names of the signals that commands die of, as far as all systems number them alike.
fn signal_name(signal: i32) -> Option<&'static str> {
    let names = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
    ];
    names.into_iter().find(|(number, _)| *number == signal).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_the_end_and_the_last_whole_lines() {
        let output = CommandOutput { exit_status: Some(3), stderr: "no disk\n".to_owned(), ..CommandOutput::default() };
        assert_eq!(output.error(), "the command exited with status 3: no disk");
        let killed = CommandOutput { signal: Some(9), ..CommandOutput::default() };
        assert_eq!(killed.error(), "the command was ended by signal 9 (SIGKILL)");
        let stderr = format!("{}\nlast\n", "é".repeat(2000));
        let long = CommandOutput { exit_status: Some(1), stderr, ..CommandOutput::default() };
        assert_eq!(long.error(), "the command exited with status 1: last");
    }
}
