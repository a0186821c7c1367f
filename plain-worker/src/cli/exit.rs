//! How a command ends: its exit code, and what is said when it fails.

use crate::error::Error;

/// The exit codes, which are documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// It was done.
    Done = 0,
    /// It failed, or something that it looked for is not as it should be.
    Failed = 1,
    /// The input or the configuration is wrong: the same again will fail again.
    Wrong = 2,
    /// A worker process has run as many jobs as it should; its supervisor starts it again.
    Again = 3,
}

/// What a command answers.
pub(super) type Outcome = Result<Code, Failure>;

/// Why a command failed: one text that says what is wrong and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) text: String,
}

impl Failure {
    /// The input or the configuration is wrong.
    pub(super) fn wrong(text: impl Into<String>) -> Self {
        Self { code: Code::Wrong, text: text.into() }
    }

    /// It could not be done now.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { code: Code::Failed, text: text.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NoQueue
            | Error::Url { .. }
            | Error::Namespace { .. }
            | Error::Refused(_)
            | Error::UnknownJob { .. }
            | Error::Worker(_)
            | Error::Setting(_) => Self::wrong(text),
            _ => Self::failed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_fail_again_is_told_apart() {
        let unknown = Error::UnknownJob { name: "x".to_owned(), nearest: None };
        assert_eq!(Failure::from(unknown).code, Code::Wrong);
        let gone = Error::Unavailable { doing: "look", source: "gone".into() };
        assert_eq!(Failure::from(gone).code, Code::Failed);
    }
}
