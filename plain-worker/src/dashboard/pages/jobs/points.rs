//! Runs over time as points: when each started and how long it ran, what is planned ahead of now.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "times become places in a picture")]

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::super::super::guard::Visit;
use super::super::super::layout::{Trouble, banner, empty};
use super::super::super::state::State;
use super::super::super::words;
use super::super::schedules;
use super::Asked;
use crate::error::Error;
use crate::monitor::RunPoint;
use crate::record::JobFilter;
use crate::status::JobState;

/// Points that are drawn; more would be a blot.
const MOST: u32 = 1_500;
const WIDTH: f64 = 1_320.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 24.0;
/// The line of what is planned, which has no duration yet.
const PLANNED: f64 = 14.0;

/// The part of time that is drawn, and the longest run in it.
struct Frame {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    longest: i64,
}

impl Frame {
    fn x(&self, at: DateTime<Utc>) -> f64 {
        let whole = (self.end - self.start).num_milliseconds().max(1) as f64;
        LEFT + (WIDTH - LEFT) * ((at - self.start).num_milliseconds() as f64 / whole).clamp(0.0, 1.0)
    }

    /// By the logarithm: runs of a millisecond and of an hour are in one picture.
    fn y(&self, micros: i64) -> f64 {
        let place = |micros: i64| (micros.max(1_000) as f64 / 1_000.0).log10();
        let part = place(micros) / place(self.longest.max(10_000));
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 2.0 * PLANNED) * part
    }
}

pub(super) async fn picture(state: &State, visit: &Visit, asked: &Asked, wanted: JobFilter) -> Result<Markup, Trouble> {
    let points = match state.queue().points(wanted, MOST).await {
        Ok(points) => points,
        Err(error @ Error::TooLong { .. }) => return Ok(banner("warn", html! { (error.to_string()) })),
        Err(error) => return Err(error.into()),
    };
    let now = state.queue().now().await?;
    let started = points.iter().filter_map(|point| point.started_at);
    let waiting = |point: &&RunPoint| point.started_at.is_none() && !point.state.is_final();
    let planned = points.iter().filter(waiting).map(|point| point.due_at).filter(|due| *due > now);
    let Some(start) = started.clone().min().or_else(|| planned.clone().min()) else {
        return Ok(
            html! { section .panel { (empty("No run to draw.", html! { "What matches has not started yet." })) } },
        );
    };
    let latest = started.max().unwrap_or(now).max(now.min(start + TimeDelta::days(40)));
    // What is planned takes a quarter of the width at most.
    let ahead = ((latest - start) / 3).max(TimeDelta::minutes(5));
    let planned: Vec<_> = planned.filter(|due| *due < now + ahead).collect();
    // Schedules know no filter: they are planned runs of the whole only.
    let slots = if asked.q.trim().is_empty() { slots(state, now + ahead).await? } else { Vec::new() };
    let end = planned.iter().copied().chain(slots.iter().map(|(_, slot)| *slot)).max().unwrap_or(latest).max(latest);
    let longest = points.iter().map(|point| ran(point, now)).max().unwrap_or(0);
    let frame = Frame { start, end: end.max(start + TimeDelta::seconds(1)), longest };
    let drawn = points.iter().filter(|point| point.started_at.is_some()).count();
    Ok(html! {
        section .panel {
            header {
                h2 { "Runs over time" }
                span .legend {
                    span .ok { i {} "succeeded" } span .no { "✕ dead or tried again" } span { "○ running" } span { "◇ planned" }
                    span .soft { "one point is a job, " (words::grouped(drawn as u64)) " of them" @if points.len() == MOST as usize { ", the newest that match" } }
                }
            }
            div .body .scroll { (svg(visit, asked, &frame, &points, &planned, &slots, now)) }
        }
        p .soft { "Drag over the picture, or choose a time below it, to look closer." }
    })
}

/// The slots of running schedules from now on, by the names of their schedules.
async fn slots(state: &State, until: DateTime<Utc>) -> crate::Result<Vec<(String, DateTime<Utc>)>> {
    use crate::ScheduleState::{Active, Unserved};
    let lines = schedules::lines(state.queue()).await?;
    let running = lines.into_iter().filter(|line| matches!(line.row.state, Active | Unserved));
    let slots = running.flat_map(|line| {
        let name = line.row.name;
        line.next.into_iter().take_while(|slot| *slot < until).map(move |slot| (name.clone(), slot)).collect::<Vec<_>>()
    });
    Ok(slots.take(200).collect())
}

fn ran(point: &RunPoint, now: DateTime<Utc>) -> i64 {
    point.started_at.and_then(|start| (point.ended_at.unwrap_or(now) - start).num_microseconds()).unwrap_or(0)
}

fn svg(
    visit: &Visit,
    asked: &Asked,
    frame: &Frame,
    points: &[RunPoint],
    planned: &[DateTime<Utc>],
    slots: &[(String, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Markup {
    /// Stretches of time that can be chosen without a script.
    const PARTS: i32 = 6;
    let part = (frame.end - frame.start) / PARTS;
    let of = |states: &[JobState]| points.iter().filter(|point| states.contains(&point.state)).collect::<Vec<_>>();
    let good = of(&[JobState::Succeeded]);
    let bad = of(&[JobState::Dead, JobState::Retrying]);
    let open = of(&[JobState::Running, JobState::Cancelled, JobState::Expired, JobState::Ready]);
    html! {
        svg .day viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="group" aria-label="Runs over time"
            data-start=(frame.start.timestamp_millis()) data-end=(frame.end.timestamp_millis()) data-left=(LEFT) data-q=(asked.q) {
            @for micros in [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 60_000_000, 600_000_000, 3_600_000_000, 86_400_000_000_i64] {
                @if micros <= frame.longest.max(10_000) {
                    @let y = format!("{:.0}", frame.y(micros));
                    line .(if micros == 1_000 { "zero" } else { "grid" }) x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                    text x=(LEFT - 8.0) y=(y) dy="4" text-anchor="end" { (round(micros)) }
                }
            }
            text x=(LEFT - 8.0) y=(PLANNED + 4.0) text-anchor="end" { "planned" }
            @for place in 0..PARTS {
                @let (from, to) = (frame.start + part * place, frame.start + part * (place + 1));
                a href=(asked.link(&visit.base, |asked| asked.q = between(&asked.q, from, to))) {
                    text x=(format!("{:.0}", frame.x(from))) y=(HEIGHT - 6.0) { (from.format(if part.num_hours() >= 6 { "%d %b %H:%M" } else { "%H:%M:%S" })) }
                }
            }
            path .points .succeeded d=(dots(frame, &good, now, "h.01")) {}
            path .points .cross .dead d=(dots(frame, &bad, now, "m-3 -3l6 6m0 -6l-6 6")) {}
            path .points .hollow .running d=(dots(frame, &open, now, "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0")) {}
            @for due in planned { path .points .hollow .scheduled d={ "M" (format!("{:.0}", frame.x(*due))) " " (PLANNED - 4.0) "l4 4l-4 4l-4 -4z" } {} }
            @for (name, slot) in slots {
                path .points .hollow .scheduled d={ "M" (format!("{:.0}", frame.x(*slot))) " " (PLANNED - 4.0) "l4 4l-4 4l-4 -4z" } { title { (name) ", " (slot.format("%H:%M")) " UTC" } }
            }
            @if frame.end > now { @let x = format!("{:.0}", frame.x(now)); line .now x1=(x) x2=(x) y1="0" y2=(HEIGHT - BOTTOM) { title { "now" } } }
            rect .chosen y="0" height=(HEIGHT - BOTTOM) width="0" {}
        }
    }
}

/// `100 ms`, `1 s`, `10 m`: the axis names round numbers only.
fn round(micros: i64) -> String {
    humantime::format_duration(std::time::Duration::from_micros(micros.unsigned_abs())).to_string()
}

/// All points of a kind as one path.
fn dots(frame: &Frame, points: &[&RunPoint], now: DateTime<Utc>, shape: &str) -> String {
    let mut path = String::new();
    for point in points {
        if let Some(start) = point.started_at {
            // Writing to a string does not fail.
            let _ = write!(path, "M{:.0} {:.0}{shape}", frame.x(start), frame.y(ran(point, now)));
        }
    }
    path
}

/// The filter for a stretch of time besides what it asks for already.
fn between(text: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let wanted = format!("started:>=\"{}\" started:<\"{}\"", time(from), time(to));
    let text = text.trim();
    if text.is_empty() { wanted } else { format!("({text}) {wanted}") }
}
