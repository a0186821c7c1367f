use std::error::Error;
use std::fmt;
use std::time::Duration;

/// An error that steers the end of its job; see [`discard`], [`snooze`] and [`cancel`].
///
/// It is found anywhere in the source chain of the error that the function
/// returns, so `?` and added context keep it working.
#[derive(Clone, Debug)]
pub struct Steer {
    wanted: Wanted,
    reason: String,
}

/// How a steering error wants the attempt to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Discard,
    Snooze(Duration),
    Cancel,
}

/// The job is dead, whatever retries it has left.
///
/// ```
/// # use plain_worker::{BoxError, discard};
/// fn parse(text: &str) -> Result<u32, BoxError> {
///     text.parse().map_err(|_| discard(format!("`{text}` will never be a number")).into())
/// }
/// # assert!(parse("x").is_err());
/// ```
pub fn discard(reason: impl fmt::Display) -> Steer {
    Steer { wanted: Wanted::Discard, reason: reason.to_string() }
}

/// The job runs again after that time; no retry is used and nothing counts as failed.
///
/// ```
/// # use plain_worker::{BoxError, snooze};
/// # use std::time::Duration;
/// fn when_open(open: bool) -> Result<(), BoxError> {
///     if open { Ok(()) } else { Err(snooze(Duration::from_secs(60)).into()) }
/// }
/// # assert!(when_open(false).is_err());
/// ```
#[must_use]
pub fn snooze(delay: Duration) -> Steer {
    Steer { wanted: Wanted::Snooze(delay), reason: format!("again in {}", humantime::format_duration(delay)) }
}

/// The job is cancelled: neither a success nor a failure.
///
/// ```
/// # use plain_worker::{BoxError, cancel};
/// fn still_wanted(wanted: bool) -> Result<(), BoxError> {
///     if wanted { Ok(()) } else { Err(cancel("the user left").into()) }
/// }
/// # assert!(still_wanted(false).is_err());
/// ```
pub fn cancel(reason: impl fmt::Display) -> Steer {
    Steer { wanted: Wanted::Cancel, reason: reason.to_string() }
}

impl Steer {
    /// The steering error in the source chain of `error`, if there is one.
    pub(crate) fn find<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
    }

    pub(crate) fn wanted(&self) -> Wanted {
        self.wanted
    }
}

impl fmt::Display for Steer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wanted {
            Wanted::Discard => write!(f, "discarded: {}", self.reason),
            Wanted::Snooze(_) => write!(f, "snoozed: {}", self.reason),
            Wanted::Cancel => write!(f, "cancelled: {}", self.reason),
        }
    }
}

impl Error for Steer {}
