//! The last runs of a schedule as marks in a row: how each ended by shape and colour, how long it ran by height.
#![allow(clippy::cast_precision_loss, reason = "durations become heights in a picture")]

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::super::super::words;
use super::ran;
use crate::ledger::ScheduleRun;
use crate::status::JobState;

const HEIGHT: f64 = 24.0;
/// Of one mark, with the gap to the next.
const WIDTH: f64 = 9.0;

/// Newest at the right, as time goes.
pub(super) fn strip(runs: &[ScheduleRun], now: DateTime<Utc>) -> Markup {
    if runs.is_empty() {
        return html! {};
    }
    let micros = |run: &ScheduleRun| ran(run, now).and_then(|span| span.num_microseconds()).unwrap_or(0).max(0) as f64;
    let longest = runs.iter().map(micros).fold(1.0, f64::max);
    let width = WIDTH * runs.len() as f64;
    html! {
        svg .strip width=(width) height=(HEIGHT) viewBox={ "0 0 " (width) " " (HEIGHT) } role="img" aria-label=(told(runs)) {
            @for (place, run) in runs.iter().rev().enumerate() {
                // By the root, so that one long run does not flatten the others.
                @let height = 4.0 + 12.0 * (micros(run) / longest).sqrt();
                @let x = WIDTH * place as f64 + 1.0;
                g .(run.state.as_str()) {
                    (mark(run.state, x, height))
                    title { (run.state) @if let Some(ran) = ran(run, now) { ", ran " (words::span(ran)) } @if let Some(slot) = run.slot { ", slot " (slot.format("%Y-%m-%d %H:%M")) " UTC" } @else { ", by hand" } }
                }
            }
        }
    }
}

/// A full bar ended well; a cross above it died; a hollow one never came to its end; a dot below is under way.
fn mark(state: JobState, x: f64, height: f64) -> Markup {
    let y = HEIGHT - height;
    let bar = |hollow: bool| {
        html! { rect .hollow[hollow] x=(x) y=(format!("{y:.1}")) width="6" height=(format!("{height:.1}")) rx="1" {} }
    };
    match state {
        JobState::Succeeded => bar(false),
        JobState::Dead => {
            html! { (bar(false)) path .cross d={ "M" (x) " " (format!("{:.1}", y - 7.0)) "l6 5m0 -5l-6 5" } {} }
        }
        JobState::Cancelled | JobState::Expired => bar(true),
        _ => html! { (bar(true)) circle cx=(x + 3.0) cy=(format!("{:.1}", y - 4.0)) r="2" {} },
    }
}

/// What the picture says, in words.
fn told(runs: &[ScheduleRun]) -> String {
    let counts = JobState::ALL.iter().map(|state| (state, runs.iter().filter(|run| run.state == *state).count()));
    let counts: Vec<_> = counts.filter(|(_, n)| *n > 0).map(|(state, n)| format!("{n} {state}")).collect();
    format!("Last {} runs: {}", runs.len(), counts.join(", "))
}
