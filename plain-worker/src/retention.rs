//! How long the history is kept.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::status::JobState;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long ended jobs, with their attempts, and the audit are kept; workers prune what is older.
///
/// ```
/// use std::time::Duration;
/// use plain_worker::Retention;
///
/// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// assert_eq!(Retention::default().succeeded, 7 * DAY);
/// let retention = Retention::parse(["3d", "dead=90d", "audit=forever"])?;
/// assert_eq!((retention.cancelled, retention.dead, retention.audit), (3 * DAY, 90 * DAY, Retention::FOREVER));
/// # Ok::<(), plain_worker::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Jobs that ended well: 7 days by default.
    pub succeeded: Duration,
    /// Jobs that failed for good: 30 days by default.
    pub dead: Duration,
    /// Jobs that were cancelled: 7 days by default.
    pub cancelled: Duration,
    /// Jobs that expired before they could start: 7 days by default.
    pub expired: Duration,
    /// Who changed what: 90 days by default.
    pub audit: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { succeeded: 7 * DAY, dead: 30 * DAY, cancelled: 7 * DAY, expired: 7 * DAY, audit: 90 * DAY }
    }
}

impl Retention {
    /// A length of time that never ends.
    pub const FOREVER: Duration = Duration::MAX;

    /// The default, changed by texts as the command line has them: `7d` for ended jobs of every state, `dead=30d` for
    /// those of one, `audit=90d`, and `forever` as a length of time.
    ///
    /// What names a state counts more than what does not, in whichever order they come.
    ///
    /// # Errors
    /// [`Error::Setting`] says what cannot be read, and how it is written.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self> {
        let mut retention = Self::default();
        let (named, bare): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.contains('='));
        for text in bare {
            let span = span(text, text)?;
            retention.succeeded = span;
            retention.dead = span;
            retention.cancelled = span;
            retention.expired = span;
        }
        for text in named {
            let (state, length) = text.split_once('=').unwrap_or_default();
            *retention.of_mut(state, text)? = span(length, text)?;
        }
        Ok(retention)
    }

    fn of_mut(&mut self, state: &str, text: &str) -> Result<&mut Duration> {
        match state.trim() {
            "succeeded" => Ok(&mut self.succeeded),
            "dead" => Ok(&mut self.dead),
            "cancelled" => Ok(&mut self.cancelled),
            "expired" => Ok(&mut self.expired),
            "audit" => Ok(&mut self.audit),
            other => Err(Error::Setting(format!(
                "the retention `{text}` cannot be read: `{other}` is not one of succeeded, dead, cancelled, expired, audit"
            ))),
        }
    }

    /// The ages of results by the state that they led to. An attempt that did not end its job goes with the job; one
    /// that is left alone, because its job was purged, goes with the oldest.
    pub(crate) fn of_results(&self) -> [(JobState, Duration); 7] {
        let longest = self.succeeded.max(self.dead).max(self.cancelled).max(self.expired);
        [
            (JobState::Succeeded, self.succeeded),
            (JobState::Dead, self.dead),
            (JobState::Cancelled, self.cancelled),
            (JobState::Expired, self.expired),
            (JobState::Retrying, longest),
            (JobState::Scheduled, longest),
            (JobState::Ready, longest),
        ]
    }
}

fn span(length: &str, text: &str) -> Result<Duration> {
    let length = length.trim();
    if length == "forever" {
        return Ok(Retention::FOREVER);
    }
    humantime::parse_duration(length).map_err(|_| {
        Error::Setting(format!(
            "the retention `{text}` cannot be read: write a length of time as in `7d`, `36h` or `forever`, or with a \
             state as in `dead=30d`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_state_counts_more_than_none() {
        for texts in [["dead=2d", "1h"], ["1h", "dead=2d"]] {
            let retention = Retention::parse(texts).expect("good");
            assert_eq!((retention.dead, retention.succeeded), (2 * DAY, DAY / 24));
            assert_eq!(retention.audit, 90 * DAY, "the audit is no state of a job");
        }
        assert_eq!(Retention::parse([]).expect("good"), Retention::default());
    }

    #[test]
    fn what_cannot_be_read_is_quoted() {
        for (text, reason) in [
            ("ready=7d", "`ready` is not one of succeeded, dead, cancelled, expired, audit"),
            ("dead=soon", "write a length of time as in `7d`, `36h` or `forever`, or with a state as in `dead=30d`"),
            ("seven", "write a length of time as in `7d`, `36h` or `forever`, or with a state as in `dead=30d`"),
        ] {
            let error = Retention::parse([text]).expect_err(text).to_string();
            assert_eq!(error, format!("the retention `{text}` cannot be read: {reason}"));
        }
    }
}
