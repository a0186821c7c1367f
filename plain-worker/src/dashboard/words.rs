//! Times, counts and documents as people read them.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

/// 12345 as 12,345.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time, short: `850 ms`, `4.2 s`, `3 m 20 s`, `2 h 5 m`, `3 d 4 h`.
pub(super) fn short(micros: i64) -> String {
    let ms = micros.max(0) / 1_000;
    match ms {
        0 => "<1 ms".to_owned(),
        1..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms / 100 % 10),
        60_000..3_600_000 => format!("{} m {} s", ms / 60_000, ms / 1_000 % 60),
        3_600_000..86_400_000 => format!("{} h {} m", ms / 3_600_000, ms / 60_000 % 60),
        _ => format!("{} d {} h", ms / 86_400_000, ms / 3_600_000 % 24),
    }
}

pub(super) fn span(span: TimeDelta) -> String {
    short(span.num_microseconds().unwrap_or(i64::MAX))
}

/// A time against now, with the exact one on hover.
pub(super) fn when(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let away = (now - at).abs();
    let coarse = match away.num_seconds() {
        0..2 => "now".to_owned(),
        seconds @ 2..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    };
    let text = if coarse == "now" {
        coarse
    } else if at <= now {
        format!("{coarse} ago")
    } else {
        format!("in {coarse}")
    };
    let exact = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    html! { time datetime=(exact) title=(exact) { (text) } }
}

/// A text cut in the middle.
pub(super) fn cut(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most * 2 / 3).collect();
    let tail: String = text.chars().skip(length - most / 3).collect();
    format!("{head} … {tail}")
}

/// The first line of an error.
pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A JSON text with line breaks, every number and string as it is stored: nothing is read as a number and written anew.
pub(super) fn indented(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut rest = json.chars().filter(|c| !c.is_control()).peekable();
    while let Some(c) = rest.next() {
        if in_string {
            text.push(c);
            (escaped, in_string) = (c == '\\' && !escaped, c != '"' || escaped);
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                text.push(c);
            }
            '{' | '[' => {
                text.push(c);
                let empty = rest.next_if(|&next| next == if c == '{' { '}' } else { ']' });
                if let Some(end) = empty {
                    text.push(end);
                } else {
                    depth += 1;
                    // Writing to a string does not fail.
                    let _ = write!(text, "\n{:1$}", "", depth.min(40) * 2);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                let _ = write!(text, "\n{:1$}{c}", "", depth.min(40) * 2);
            }
            ',' => {
                let _ = write!(text, ",\n{:1$}", "", depth.min(40) * 2);
            }
            ':' => text.push_str(": "),
            c if c.is_whitespace() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_every_digit() {
        let json = r#"{"a":1970670598291982290,"b":[1e400,"x:{,}\" \\"],"c":{},"d":[]}"#;
        let text = indented(json);
        assert_eq!(
            text,
            "{\n  \"a\": 1970670598291982290,\n  \"b\": [\n    1e400,\n    \"x:{,}\\\" \\\\\"\n  ],\n  \"c\": {},\n  \"d\": []\n}"
        );
        assert!(!indented(&"[".repeat(10_000)).is_empty());
    }

    #[test]
    fn counts_and_times_are_short() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let times = [500, 850_000, 4_200_000, 200_000_000, 7_500_000_000, 273_600_000_000];
        assert_eq!(times.map(short), ["<1 ms", "850 ms", "4.2 s", "3 m 20 s", "2 h 5 m", "3 d 4 h"]);
        assert_eq!(cut("abcdefghij", 6), "abcd … ij");
    }
}
