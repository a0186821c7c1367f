//! How the values of flags are read; each error says what to write.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::builder::{BoolishValueParser, TypedValueParser};

use crate::filter::Filter;
use crate::record::Retention;
use crate::status::JobState;

/// What a flag's environment variable may say.
pub(super) fn yes_or_no() -> impl TypedValueParser<Value = bool> {
    BoolishValueParser::new()
}

/// A length of time.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "not a length of time; write for example 30s, 5m, 2h or 7d".to_owned())
}

/// An instant with its offset from UTC.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text).map(Into::into).map_err(|error| {
        format!("not an instant ({error}); write for example 2026-11-20T12:00:00Z or 2026-11-20T12:00:00+01:00")
    })
}

/// A state's word.
pub(super) fn state(text: &str) -> Result<JobState, String> {
    text.parse().map_err(|error: crate::status::UnknownWord| {
        let near = JobState::ALL.iter().map(|state| state.as_str());
        let near = near.max_by(|a, b| strsim::jaro_winkler(a, text).total_cmp(&strsim::jaro_winkler(b, text)));
        format!("{error}; did you mean `{}`?", near.unwrap_or_default())
    })
}

/// A filter; its error shows the place.
pub(super) fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text).map_err(|error| error.to_string())
}

/// How long ended jobs are kept: `7d` for all, `dead=30d` or `succeeded=7d` for some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retain {
    kind: Kind,
    age: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    All,
    Succeeded,
    Dead,
}

impl Retain {
    /// The defaults, or what was there, with these in their order over it.
    pub(super) fn over(mut retention: Retention, retains: &[Self]) -> Retention {
        for Self { kind, age } in retains {
            if *kind != Kind::Dead {
                retention.succeeded = *age;
            }
            if *kind != Kind::Succeeded {
                retention.dead = *age;
            }
        }
        retention
    }
}

/// Reads a [`Retain`].
pub(super) fn retain(text: &str) -> Result<Retain, String> {
    let (kind, age) = match text.split_once('=') {
        None => (Kind::All, text),
        Some(("succeeded", age)) => (Kind::Succeeded, age),
        Some(("dead", age)) => (Kind::Dead, age),
        Some((other, _)) => {
            return Err(format!(
                "`{other}` is kept by no time of its own; write 7d, dead=30d, or succeeded=7d (which is also for \
                 cancelled and expired jobs)"
            ));
        }
    };
    Ok(Retain { kind, age: span(age)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_or_refused_with_an_example() {
        assert_eq!(span("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(span("0s"), Ok(Duration::ZERO));
        assert!(span("-5s").unwrap_err().contains("30s"));
        assert_eq!(instant("2026-11-20T12:00:00+01:00").unwrap().to_rfc3339(), "2026-11-20T11:00:00+00:00");
        assert!(instant("2026-11-20").unwrap_err().contains("2026-11-20T12:00:00Z"));
        assert_eq!(state("dead"), Ok(JobState::Dead));
        assert!(state("redy").unwrap_err().ends_with("did you mean `ready`?"));
    }

    #[test]
    fn later_retentions_go_over_earlier_ones() {
        let read = |texts: &[&str]| {
            let retains: Vec<_> = texts.iter().map(|text| retain(text).unwrap()).collect();
            Retain::over(Retention::default(), &retains)
        };
        let day = Duration::from_secs(86_400);
        assert_eq!(read(&[]), Retention::default());
        assert_eq!(read(&["1d", "dead=2d"]), Retention { succeeded: day, dead: day * 2 });
        assert!(retain("lost=1d").is_err());
    }
}
