//! Values as people read them.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::telling::Progress;

/// Text that may come from anywhere, without what would steer a terminal.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && letter != '\n' {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Text on one line of at most that many characters.
pub(super) fn line(text: &str, longest: usize) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    if words.chars().count() <= longest {
        return words;
    }
    let mut cut: String = words.chars().take(longest.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// An instant, relative to now and exact: `3m ago (2026-11-20T12:00:00Z)`.
pub(super) fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ({})", relative(at, now), exact(at))
}

/// An instant in RFC 3339, to the second.
pub(super) fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// How far away an instant is: `in 4m`, `3h ago`.
pub(super) fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let away = (at - now).abs().to_std().unwrap_or_default();
    match at.cmp(&now) {
        _ if away < Duration::from_secs(1) => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {}", span(away)),
        _ => format!("{} ago", span(away)),
    }
}

/// A length of time in its largest unit.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How far a job is: `40% page 40 of 100`.
pub(super) fn progress(progress: &Progress) -> String {
    let percent = format!("{:.0}%", progress.fraction * 100.0);
    progress.note.as_ref().map_or(percent.clone(), |note| format!("{percent} {note}"))
}

/// A count with the right word: `1 job`, `2 jobs`.
pub(super) fn count(number: u64, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_told_from_here() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let told = |seconds| relative(now + chrono::TimeDelta::seconds(seconds), now);
        assert_eq!([told(0), told(59), told(-90)], ["now", "in 59s", "1m ago"]);
        assert_eq!([told(7_200), told(-172_800)], ["in 2h", "2d ago"]);
        assert_eq!(moment(now, now), "now (2026-11-20T12:00:00Z)");
    }

    #[test]
    fn long_text_is_cut_and_steers_no_terminal() {
        assert_eq!(line("a  b\nc", 10), "a b c");
        assert_eq!(line("äöüß and more", 5), "äöüß…");
        assert_eq!(shown("a\u{7}\nb"), "a\\u{7}\nb");
    }
}
