//! Charts as SVG, drawn by the server: axes with round numbers, a zero line, values on hover.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values become places in a picture"
)]

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::words;
use crate::record::{AttemptRow, JobRow};

const WIDTH: f64 = 640.0;
/// Of a chart that has the width of the page to itself.
const WIDE: f64 = 1_320.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 8.0;

/// What a chart shows at one step of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    /// Seconds since 1970.
    pub(super) at: i64,
    /// Values, one a series.
    pub(super) values: Vec<f64>,
}

/// The next round number above: 1, 2 or 5 with zeros.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let magnitude = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * magnitude).find(|&top| top >= value * 0.999).unwrap_or(value)
}

fn clock(at: i64, step: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp(at, 0).unwrap_or_default();
    time.format(if step >= 3_600 * 6 { "%d %b" } else { "%H:%M" }).to_string()
}

/// Stacked bars: what is counted a step. `names` are the series with their classes.
pub(super) fn bars(title: &str, steps: &[Step], span: i64, names: &[(&str, &str)]) -> Markup {
    let highest = steps.iter().map(|step| step.values.iter().sum::<f64>()).fold(0.0, f64::max);
    let top = round_up(highest.max(2.0));
    let slot = (WIDE - LEFT) / steps.len().max(1) as f64;
    let height = |value: f64| (HEIGHT - TOP - BOTTOM) * value / top;
    html! {
        svg viewBox={ "0 0 " (WIDE) " " (HEIGHT) } role="img" aria-label=(title) {
            (axes(WIDE, top, |value| words::grouped(value.round().max(0.0) as u64), steps, span))
            @for (place, step) in steps.iter().enumerate() {
                @let x = LEFT + slot * place as f64;
                g {
                    rect .hit x=(fixed(x)) y=(TOP) width=(fixed(slot)) height=(HEIGHT - TOP - BOTTOM) {}
                    @for (series, (_, class)) in names.iter().enumerate() {
                        @let below: f64 = step.values.iter().take(series).sum();
                        @let value = step.values.get(series).copied().unwrap_or_default();
                        @if value > 0.0 {
                            rect .bar .(class) x=(fixed(x + slot * 0.12)) width=(fixed(slot * 0.76)) height=(fixed(height(value).max(1.0)))
                                y=(fixed(HEIGHT - BOTTOM - height(below + value))) {}
                        }
                    }
                    title { (clock(step.at, 60)) " UTC: " @for (series, (name, _)) in names.iter().enumerate() { (words::grouped(step.values.get(series).copied().unwrap_or_default() as u64)) " " (name) " " } }
                }
            }
        }
    }
}

/// Lines of times in microseconds; a step without a value is a gap.
pub(super) fn lines(title: &str, steps: &[Step], span: i64, names: &[(&str, &str)]) -> Markup {
    let highest = steps.iter().flat_map(|step| &step.values).copied().fold(0.0, f64::max);
    let top = round_up(highest.max(1_000.0));
    let slot = (WIDTH - LEFT) / steps.len().max(1) as f64;
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;
    let path = |series: usize| {
        let mut path = String::new();
        let mut pen = 'M';
        for (place, step) in steps.iter().enumerate() {
            match step.values.get(series).copied().filter(|value| *value > 0.0) {
                Some(value) => {
                    let x = LEFT + slot * (place as f64 + 0.5);
                    // Writing to a string does not fail.
                    let _ = write!(path, "{pen}{} {}h.01", fixed(x), fixed(y(value)));
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        path
    };
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(title) {
            (axes(WIDTH, top, |value| words::short(value as i64), steps, span))
            @for (series, (_, class)) in names.iter().enumerate() { path .line .(class) stroke-linecap="round" d=(path(series)) {} }
            @for (place, step) in steps.iter().enumerate() {
                rect .hit x=(fixed(LEFT + slot * place as f64)) y=(TOP) width=(fixed(slot)) height=(HEIGHT - TOP - BOTTOM) {
                    title { (clock(step.at, 60)) " UTC: " @for (series, (name, _)) in names.iter().enumerate() { (name) " < " (words::short(step.values.get(series).copied().unwrap_or_default() as i64)) " " } }
                }
            }
        }
    }
}

fn fixed(value: f64) -> String {
    format!("{value:.1}")
}

fn axes(width: f64, top: f64, label: impl Fn(f64) -> String, steps: &[Step], span: i64) -> Markup {
    let slot = (width - LEFT) / steps.len().max(1) as f64;
    let every = (steps.len() / 6).max(1);
    html! {
        @for part in 0..=2 {
            @let y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * f64::from(part) / 2.0;
            line .(if part == 0 { "zero" } else { "grid" }) x1=(LEFT) x2=(width) y1=(fixed(y)) y2=(fixed(y)) {}
            text x=(LEFT - 8.0) y=(fixed(y + 4.0)) text-anchor="end" { (label(top * f64::from(part) / 2.0)) }
        }
        @for (place, step) in steps.iter().enumerate().filter(|(place, _)| place % every == every / 2) {
            text x=(fixed(LEFT + slot * (place as f64 + 0.5))) y=(HEIGHT - 6.0) text-anchor="middle" { (clock(step.at, span)) }
        }
    }
}

/// A job's life as a bar: waiting apart from running, each attempt in a row of its own.
pub(super) fn waterfall(job: &JobRow, attempts: &[AttemptRow], now: DateTime<Utc>) -> Markup {
    const MOST: usize = 20;
    let attempts = &attempts[attempts.len().saturating_sub(MOST)..];
    let end = job.ended_at.unwrap_or_else(|| now.max(job.started_at.unwrap_or(now)));
    let whole = (end - job.enqueued_at).max(TimeDelta::milliseconds(1));
    let x = |at: DateTime<Utc>| {
        let part = (at - job.enqueued_at).num_microseconds().unwrap_or_default() as f64;
        60.0 + (WIDE - 63.0) * (part / whole.num_microseconds().unwrap_or(1) as f64).clamp(0.0, 1.0)
    };
    let mut rows = Vec::new();
    let mut since = job.enqueued_at;
    for attempt in attempts {
        let start = attempt.started_at.unwrap_or(attempt.ended_at);
        rows.push((attempt.attempt.to_string(), since, Some(start), attempt.ended_at, attempt.status.as_str()));
        since = attempt.ended_at;
    }
    match job.state {
        crate::JobState::Running => {
            let start = job.started_at.unwrap_or(since);
            rows.push((job.attempt.to_string(), since, Some(start), now, "running"));
        }
        state if !state.is_final() => rows.push(("next".to_owned(), since, None, now, "waiting")),
        _ => {}
    }
    let height = 22.0 * rows.len().max(1) as f64 + 20.0;
    html! {
        svg viewBox={ "0 0 " (WIDE) " " (height) } role="img" aria-label="Attempts over time" {
            @for (place, (name, since, start, end, outcome)) in rows.iter().enumerate() {
                @let y = 22.0 * place as f64 + 4.0;
                @let class = match *outcome { "successful" => "f-succeeded", "running" => "f-running", "errored" | "lost" => "f-failed", _ => "f-other" };
                text x="0" y=(fixed(y + 11.0)) { @if name == "next" { "next" } @else { "No. " (name) } }
                @let begin = start.unwrap_or(*end);
                rect .f-wait x=(fixed(x(*since))) y=(fixed(y)) width=(fixed((x(begin) - x(*since)).max(0.0))) height="14" rx="2" { title { "waited " (words::span(begin - *since)) } }
                @if let Some(start) = start {
                    rect .bar .(class) x=(fixed(x(*start))) y=(fixed(y)) width=(fixed((x(*end) - x(*start)).max(2.0))) height="14" rx="2" { title { (outcome) ", ran " (words::span(*end - *start)) } }
                }
            }
            text x="60" y=(fixed(height - 4.0)) { "enqueued" }
            text x=(WIDE) y=(fixed(height - 4.0)) text-anchor="end" { "+" (words::span(whole)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::round_up;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, top) in [(0.0, 1.0), (1.0, 1.0), (3.0, 5.0), (7.0, 10.0), (11.0, 20.0), (4_999.0, 5_000.0)] {
            assert!((round_up(value) - top).abs() < 1e-6, "{value}");
        }
    }
}
