//! The words for where a job stands and how an attempt ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants have one stored spelling each.
macro_rules! spelled {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value, in the order of a job's life.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The spelling in the database, in JSON and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { text: text.to_owned(), valid: &[$($text,)+] }),
                }
            }
        }
    };
}

/// A word that is not one of the valid ones; the message lists those.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of {}", .valid.join(", "))]
pub struct UnknownWord {
    text: String,
    valid: &'static [&'static str],
}

spelled! {
    /// Where a job stands, from its enqueue to its end.
    ///
    /// ```
    /// use plain_worker::JobState;
    /// assert_eq!("dead".parse(), Ok(JobState::Dead));
    /// assert!(JobState::Dead.is_final());
    /// ```
    JobState {
        /// Waits for its time.
        Scheduled = "scheduled",
        /// May start now.
        Ready = "ready",
        /// Held back by a limit or by another job.
        Blocked = "blocked",
        /// No worker that lives can run it: its name or its arguments are unknown to all of them.
        Parked = "parked",
        /// A worker holds it.
        Running = "running",
        /// Failed, and due again later.
        Retrying = "retrying",
        /// Ended well.
        Succeeded = "succeeded",
        /// Failed for good.
        Dead = "dead",
        /// Ended by a person or by itself.
        Cancelled = "cancelled",
        /// Not started before the time at which it was worth nothing any more.
        Expired = "expired",
    }
}

impl JobState {
    /// Whether the job has ended for good.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Dead | Self::Cancelled | Self::Expired)
    }
}

spelled! {
    /// How one attempt ended.
    AttemptStatus {
        /// The function returned its output.
        Successful = "successful",
        /// The function failed; [`ErrorKind`] says how.
        Errored = "errored",
        /// Stopped by a person or by itself.
        Cancelled = "cancelled",
        /// Its worker died.
        Lost = "lost",
        /// Asked to run again later; no retry is used.
        Snoozed = "snoozed",
        /// Given back by a worker that stopped; the attempt is not counted.
        HandedBack = "handed_back",
    }
}

spelled! {
    /// In which way an attempt failed.
    ErrorKind {
        /// The function returned an error.
        Error = "error",
        /// The function panicked.
        Panic = "panic",
        /// It ran longer than its timeout.
        Timeout = "timeout",
        /// Its stored arguments cannot be read although they were written by this very definition.
        Corrupt = "corrupt",
    }
}

spelled! {
    /// Why a running job was told to stop.
    CancelReason {
        /// The worker is stopping.
        Shutdown = "shutdown",
        /// A person cancelled the job.
        Cancelled = "cancelled",
        /// The attempt ran longer than its timeout.
        Timeout = "timeout",
        /// Another worker holds this job now: nothing that this run does is recorded.
        TakenOver = "taken_over",
        /// The worker does not reach its database: others may start this job. What it returns is recorded if none did.
        CutOff = "cut_off",
    }
}

spelled! {
    /// Until when a unique key is held.
    UniqueUntil {
        /// Until an attempt starts: one that is enqueued in mid-run waits its turn.
        Start = "start",
        /// Until the job ends for good.
        End = "end",
    }
}

spelled! {
    /// What becomes of a job whose worker died.
    OnLost {
        /// It runs again, up to the third loss.
        Retry = "retry",
        /// It is dead at the first loss: at most once.
        Fail = "fail",
    }
}

spelled! {
    /// Which slots of a schedule that were missed in a downtime are run afterwards.
    CatchUp {
        /// The latest of them, if it is no older than the window.
        Latest = "latest",
        /// None: a slot that could not be taken within a minute of its time is passed over.
        None = "none",
        /// All of them, oldest first and one after the other, but no more than the latest 1,000.
        All = "all",
    }
}

spelled! {
    /// What becomes of a slot while the run of the slot before it waits or runs.
    Overlap {
        /// It is passed over, which its schedule shows.
        Skip = "skip",
        /// It runs when the run before it has ended.
        Queue = "queue",
        /// It runs beside it.
        Allow = "allow",
    }
}

spelled! {
    /// Whether the slots of a schedule become runs, and if not, why.
    ScheduleState {
        /// They do.
        Active = "active",
        /// Somebody paused it.
        Paused = "paused",
        /// They do, but no worker that lives serves its queue.
        Unserved = "unserved",
        /// No worker that lives has it: it was taken out of the code, or no worker runs.
        Stopped = "stopped",
        /// Its row says what no worker can read; its `problem` tells what.
        Broken = "broken",
    }
}
