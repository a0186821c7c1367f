//! What people can stop for a while, and start again.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::job::Job;

/// What is paused: everything, a queue, the jobs of a name, or what one worker would take.
///
/// Nothing of it is claimed while it is paused; what runs already goes on, and
/// enqueues are taken as ever.
///
/// As text, in the database's answers and on the command line: `*`,
/// `queue:mail` (or just `mail`), `job:welcome_user`, `worker:0198c6d4-…`.
///
/// ```
/// use plain_worker::PauseTarget;
///
/// assert_eq!("*".parse(), Ok(PauseTarget::Everything));
/// assert_eq!("mail".parse(), Ok(PauseTarget::queue("mail")));
/// assert_eq!(PauseTarget::job("welcome_user").to_string(), "job:welcome_user");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PauseTarget {
    /// All queues, for all workers.
    Everything,
    /// The queue of that name, for all workers.
    Queue(String),
    /// The jobs stored under that name, in all queues: the kill switch for a bad deploy.
    Job(String),
    /// The worker with that id, which then takes nothing at all.
    Worker(String),
}

impl PauseTarget {
    /// A queue.
    pub fn queue(name: impl Into<String>) -> Self {
        Self::Queue(name.into())
    }

    /// The jobs stored under a name.
    pub fn job(name: impl Into<String>) -> Self {
        Self::Job(name.into())
    }

    /// The jobs of a type: `PauseTarget::of::<welcome_user>()`. Those stored under its aliases go on.
    #[must_use]
    pub fn of<J: Job>() -> Self {
        Self::job(J::DEFINITION.name)
    }

    /// How the tables spell it: a kind and a name.
    pub(crate) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Everything => ("everything", ""),
            Self::Queue(name) => ("queue", name),
            Self::Job(name) => ("job", name),
            Self::Worker(id) => ("worker", id),
        }
    }

    /// The reverse of [`parts`](Self::parts).
    pub(crate) fn from_parts(kind: &str, name: String) -> Self {
        match kind {
            "queue" => Self::Queue(name),
            "job" => Self::Job(name),
            "worker" => Self::Worker(name),
            // The tables allow no fifth kind.
            _ => Self::Everything,
        }
    }
}

impl fmt::Display for PauseTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("*"),
            _ => {
                let (kind, name) = self.parts();
                write!(f, "{kind}:{name}")
            }
        }
    }
}

impl FromStr for PauseTarget {
    type Err = Infallible;

    /// A text without one of the prefixes names a queue.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':') {
            _ if text == "*" => Self::Everything,
            Some((kind @ ("queue" | "job" | "worker"), name)) => Self::from_parts(kind, name.to_owned()),
            _ => Self::queue(text),
        })
    }
}

impl Serialize for PauseTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something that is paused, since when and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pause {
    /// What is paused.
    pub target: PauseTarget,
    /// Since when, by the database's clock.
    pub at: DateTime<Utc>,
    /// By whom, as told; empty when nothing was told.
    pub by: String,
}

impl Pause {
    pub(crate) fn new(target: PauseTarget, at: DateTime<Utc>, by: String) -> Self {
        Self { target, at, by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_read_as_it_is_written() {
        let odd = "job:x";
        for target in [
            PauseTarget::Everything,
            PauseTarget::queue("mail"),
            PauseTarget::queue(odd),
            PauseTarget::queue("*"),
            PauseTarget::job("a::b"),
            PauseTarget::Worker("0198c6d4-0000-7000-8000-000000000000".to_owned()),
        ] {
            assert_eq!(target.to_string().parse(), Ok(target.clone()));
            let (kind, name) = target.parts();
            assert_eq!(PauseTarget::from_parts(kind, name.to_owned()), target);
        }
        assert_eq!("*".parse(), Ok(PauseTarget::Everything));
        assert_eq!("a:b".parse(), Ok(PauseTarget::queue("a:b")), "no kind of ours: all of it is the queue's name");
    }
}
