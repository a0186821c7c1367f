//! How the values of flags are read; each error says what to write.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::builder::{BoolishValueParser, TypedValueParser};

use super::exit::Failure;
use crate::filter::Filter;
use crate::retention::Retention;
use crate::schedule::parse_zone;
use crate::status::JobState;

/// What a flag's environment variable may say.
pub(super) fn yes_or_no() -> impl TypedValueParser<Value = bool> {
    BoolishValueParser::new()
}

/// A length of time.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "not a length of time; write for example 30s, 5m, 2h or 7d".to_owned())
}

/// Who does it: as told, else the user's name, as far as the environment has one.
pub(super) fn who(told: Option<String>) -> String {
    let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    told.or_else(user).unwrap_or_default()
}

/// An instant with its offset from UTC.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text).map(Into::into).map_err(|error| {
        format!("not an instant ({error}); write for example 2026-11-20T12:00:00Z or 2026-11-20T12:00:00+01:00")
    })
}

/// An IANA time zone.
pub(super) fn zone(text: &str) -> Result<Tz, String> {
    parse_zone(text).map_err(|error| error.to_string())
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

/// One text of [`Retention::parse`].
pub(super) fn retain(text: &str) -> Result<String, String> {
    Retention::parse([text]).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// The defaults, changed by these texts.
pub(super) fn retention(texts: &[String]) -> Result<Retention, Failure> {
    Ok(Retention::parse(texts.iter().map(String::as_str))?)
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
        assert!(retain("lost=1d").is_err() && retain("dead=1d").is_ok());
        assert!(state("redy").unwrap_err().ends_with("did you mean `ready`?"));
    }
}
