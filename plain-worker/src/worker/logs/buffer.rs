//! The last lines of one run, no more than are kept.

use std::collections::VecDeque;

use crate::telling::{JobLogs, LogLine, cut};

/// The lines of a run that are kept.
#[derive(Debug, Default)]
pub(in crate::worker) struct Buffer {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// How many there were, those that were not kept counted.
    told: i64,
}

impl Buffer {
    pub(in crate::worker) fn push(&mut self, mut line: LogLine, limits: &JobLogs) {
        // A single line that fills everything leaves no room for what led to it.
        line.message = cut(line.message, limits.bytes / 4);
        self.bytes += line.message.len();
        self.told += 1;
        self.lines.push_back(line);
        while self.lines.len() > limits.lines || self.bytes > limits.bytes {
            let Some(gone) = self.lines.pop_front() else { break };
            self.bytes -= gone.message.len();
        }
    }

    pub(in crate::worker) fn lines(&self) -> Vec<LogLine> {
        self.lines.iter().cloned().collect()
    }

    pub(in crate::worker) fn told(&self) -> i64 {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> LogLine {
        let at = chrono::DateTime::UNIX_EPOCH;
        LogLine { at, level: "INFO".to_owned(), target: None, message: message.to_owned() }
    }

    fn kept(limits: JobLogs, messages: &[&str]) -> (Vec<String>, i64) {
        let mut buffer = Buffer::default();
        for message in messages {
            buffer.push(line(message), &limits);
        }
        (buffer.lines().into_iter().map(|line| line.message).collect(), buffer.told())
    }

    #[test]
    fn the_last_lines_are_kept() {
        assert_eq!(kept(JobLogs::new().lines(2), &["a", "b", "c"]), (vec!["b".to_owned(), "c".to_owned()], 3));
        assert_eq!(kept(JobLogs::new().lines(0), &["a"]), (vec![], 1));
    }

    #[test]
    fn no_more_bytes_are_kept_than_allowed() {
        let (lines, told) = kept(JobLogs::new().bytes(40), &["0123456789"; 7]);
        assert_eq!((lines.len(), told), (4, 7));
        let (lines, _) = kept(JobLogs::new().bytes(40), &["0123456789abcdef"]);
        assert_eq!(lines, ["0123456…"]);
    }
}
