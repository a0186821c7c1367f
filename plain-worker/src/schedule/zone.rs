//! IANA zone names, and the nearest ones to a name that is unknown.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::error::{Reason, ScheduleError};

const MOST_SUGGESTIONS: usize = 3;

/// Reads an IANA time zone name such as `Europe/Berlin`, in its exact case.
///
/// # Errors
/// A name that the time zone database does not have; the error lists the nearest names.
///
/// ```
/// use plain_worker::schedule::parse_zone;
///
/// assert_eq!(parse_zone("Europe/Berlin").unwrap().name(), "Europe/Berlin");
/// assert_eq!(
///     parse_zone("Berlin").unwrap_err().to_string(),
///     "unknown time zone `Berlin`; the nearest IANA name is `Europe/Berlin`",
/// );
/// ```
pub fn parse_zone(name: &str) -> Result<Tz, ScheduleError> {
    name.parse().map_err(|_| {
        let reason = Reason::UnknownZone { name: name.to_owned(), nearest: nearest(name) };
        ScheduleError::new(name, 0..name.len(), None, reason)
    })
}

fn nearest(name: &str) -> Vec<&'static str> {
    let wanted = name.trim().to_lowercase().replace(' ', "_");
    if wanted.is_empty() {
        return Vec::new();
    }
    // A wrong word is no help: a third of the letters may differ, no more.
    let tolerance = (wanted.chars().count() / 3).clamp(1, 4);
    let mut found: Vec<(usize, &'static str)> = TZ_VARIANTS
        .iter()
        .map(|zone| (distance(&wanted, zone.name()), zone.name()))
        .filter(|(distance, _)| *distance <= tolerance)
        .collect();
    found.sort_unstable();
    // A near miss beside an exact city would only distract.
    let best = found.first().map_or(0, |(distance, _)| *distance);
    found.retain(|(distance, _)| *distance <= best + 1 && (best > 0 || *distance == 0));
    found.truncate(MOST_SUGGESTIONS);
    found.into_iter().map(|(_, name)| name).collect()
}

/// How far a zone's name is, read whole or by its last part, from what was written.
fn distance(wanted: &str, zone: &str) -> usize {
    let zone = zone.to_lowercase();
    let whole = strsim::damerau_levenshtein(wanted, &zone);
    match zone.rsplit_once('/') {
        // The signs of `Etc/GMT+2` are the other way round, so it is nobody's `GMT+2`.
        Some(("etc", city)) if city.starts_with("gmt") => whole,
        Some((_, city)) if !wanted.contains('/') => {
            let by_city = strsim::damerau_levenshtein(wanted, city);
            // An abbreviation is one letter away from far too many cities.
            let near = by_city == 0 || wanted.len() > 4;
            if near { whole.min(by_city) } else { whole }
        }
        _ => whole,
    }
}
