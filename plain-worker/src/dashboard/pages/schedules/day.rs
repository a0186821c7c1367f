//! A day of all schedules: a lane each, and where they pile up.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "instants become places in a picture")]

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::http::StatusCode;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use maud::{Markup, html};
use serde::Serialize;

use super::super::super::guard::Visit;
use super::super::super::layout::{Page, Trouble, empty, html_answer, page as frame};
use super::super::super::state::State;
use super::super::super::{json, words};
use super::super::escaped;
use super::link;
use crate::ledger::ScheduleRow;
use crate::schedule::{Schedule, Tz, parse_zone};

/// Lanes that are drawn; more would be no picture.
const MOST_LANES: usize = 80;
/// Slots of one schedule that are looked at: every minute of the longest day.
const MOST_SLOTS: usize = 1_500;
const WIDTH: f64 = 1_320.0;
const LEFT: f64 = 200.0;
const LANE: f64 = 20.0;
const TOP: f64 = 72.0;
/// Slots that are nearer to each other than this are drawn as one band.
const BAND: f64 = 16.0;
const MINUTES_A_BAR: i64 = 10;

#[derive(Debug, Serialize)]
struct Lane {
    name: String,
    paused: bool,
    slots: Vec<DateTime<Utc>>,
}

/// The day of a zone: on most days 24 hours.
struct Day {
    date: NaiveDate,
    zone: Tz,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Day {
    fn read(date: &str, zone: &str) -> Result<Self, Trouble> {
        let wrong = |text: String| Trouble::new(StatusCode::BAD_REQUEST, text);
        let zone = if zone.is_empty() { "UTC" } else { zone };
        let zone = parse_zone(zone).map_err(|error| wrong(error.to_string()))?;
        let date: NaiveDate =
            date.parse().map_err(|_| wrong("The day is not one: write it as 2026-11-30.".to_owned()))?;
        let midnights = Schedule::parse("@daily").map_err(|error| wrong(error.to_string()))?.with_zone(zone);
        let midnight = |date: NaiveDate| midnights.instant_of(date.and_time(NaiveTime::MIN));
        let end = date.checked_add_days(Days::new(1)).and_then(midnight);
        let (Some(start), Some(end)) = (midnight(date), end) else {
            return Err(wrong("The day is outside of the calendar.".to_owned()));
        };
        Ok(Self { date, zone, start, end })
    }

    /// The place of an instant in the picture.
    fn x(&self, at: DateTime<Utc>) -> f64 {
        let whole = (self.end - self.start).num_seconds().max(1) as f64;
        LEFT + (WIDTH - LEFT) * (at - self.start).num_seconds() as f64 / whole
    }

    fn clock(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M").to_string()
    }

    fn lane(&self, row: &ScheduleRow) -> Option<Lane> {
        let schedule = row.schedule().ok()?;
        let before = self.start - TimeDelta::microseconds(1);
        let slots = schedule.upcoming(before).take(MOST_SLOTS).take_while(|slot| *slot < self.end).collect();
        Some(Lane { name: row.name.clone(), paused: row.paused_at.is_some(), slots })
    }
}

pub(super) async fn page(state: &State, visit: &Visit, date: &str, zone: &str, as_json: bool) -> Page {
    let day = Day::read(date, zone)?;
    let rows = state.queue().schedules().list().await?;
    let now = state.queue().now().await?;
    let mut lanes = Vec::new();
    for row in &rows {
        lanes.extend(day.lane(row).filter(|lane| !lane.slots.is_empty()));
        // A lane of every minute takes a while: others have their turn in between.
        tokio::task::yield_now().await;
    }
    if as_json {
        return Ok(json::answer(&serde_json::json!({
            "day": day.date, "zone": day.zone.name(), "start": day.start, "end": day.end, "lanes": lanes,
        })));
    }
    let other = |days: i64| {
        let date = day.date.checked_add_signed(TimeDelta::days(days)).unwrap_or(day.date);
        format!("?day={date}&zone={}", escaped(day.zone.name()))
    };
    let body = html! {
        p .soft { a href={ (visit.base) "/schedules" } { "Schedules" } " / calendar day" }
        div .row .spread {
            h1 { (day.date.format("%A %-d %B %Y")) small { (day.zone.name()) } }
            form .row method="get" action={ (visit.base) "/schedules" } {
                a .button rel="prev" href=(other(-1)) aria-label="The day before" { "‹" }
                input type="date" name="day" value=(day.date) aria-label="Day";
                input type="text" name="zone" value=(day.zone.name()) aria-label="Time zone" autocomplete="off";
                button { "Show" }
                a .button rel="next" href=(other(1)) aria-label="The day after" { "›" }
            }
        }
        @if lanes.is_empty() {
            section .panel { (empty("Nothing is scheduled on this day.", html! { a href={ (visit.base) "/schedules" } { "All schedules" } })) }
        } @else {
            section .panel {
                header { h2 { "Starts of the day" } span .soft { "bars: starts in " (MINUTES_A_BAR) " minutes; lanes: one a schedule, a band where it runs every quarter of an hour or more often" } }
                div .body .scroll { (picture(visit, &day, &lanes, now)) }
                @if lanes.len() > MOST_LANES { p .empty { "and " (lanes.len() - MOST_LANES) " schedules more, which are in the bars" } }
            }
            section .panel { header { h2 { "Where they pile up" } } (piles(visit, &day, &lanes)) }
        }
    };
    Ok(html_answer(frame(visit, "/schedules", "Calendar day", body)))
}

fn picture(visit: &Visit, day: &Day, lanes: &[Lane], now: DateTime<Utc>) -> Markup {
    let drawn = &lanes[..lanes.len().min(MOST_LANES)];
    let height = TOP + LANE * drawn.len() as f64 + 8.0;
    let hours = (day.end - day.start).num_hours();
    html! {
        svg .day viewBox={ "0 0 " (WIDTH) " " (height) } role="group" aria-label={ "The runs of " (lanes.len()) " schedules over the day" } {
            @for hour in (0..=hours).step_by(2) {
                @let at = day.start + TimeDelta::hours(hour);
                @let x = format!("{:.0}", day.x(at));
                line .grid x1=(x) x2=(x) y1="52" y2=(height) {}
                @if hour < hours { text x=(x) y="66" { (day.clock(at)) } }
            }
            (bars(day, lanes))
            @for (place, lane) in drawn.iter().enumerate() {
                @let y = TOP + LANE * place as f64;
                a href=(link(&visit.base, &lane.name)) { text x="0" y=(format!("{:.0}", y + 13.0)) { (words::cut(&lane.name, 30)) } }
                path .ticks .paused[lane.paused] d=(ticks(day, lane, y + 4.0)) { title { (lane.name) ": " (lane.slots.len()) @if lane.slots.len() == 1 { " run" } @else { " runs" } @if lane.paused { ", paused" } } }
            }
            @if (day.start..day.end).contains(&now) {
                @let x = format!("{:.0}", day.x(now));
                line .now x1=(x) x2=(x) y1="0" y2=(height) { title { "now" } }
            }
        }
    }
}

/// How many runs start in each ten minutes.
fn bars(day: &Day, lanes: &[Lane]) -> Markup {
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for slot in lanes.iter().filter(|lane| !lane.paused).flat_map(|lane| &lane.slots) {
        *counts.entry((*slot - day.start).num_minutes() / MINUTES_A_BAR).or_default() += 1;
    }
    let highest = counts.values().copied().max().unwrap_or(1) as f64;
    let width = (day.x(day.start + TimeDelta::minutes(MINUTES_A_BAR)) - LEFT - 1.0).max(1.0);
    html! {
        text x="0" y="12" { "most: " (highest) }
        line .zero x1=(LEFT) x2=(WIDTH) y1="52" y2="52" {}
        @for (place, count) in counts {
            @let at = day.start + TimeDelta::minutes(place * MINUTES_A_BAR);
            @let height = (50.0 * count as f64 / highest).max(1.0);
            rect .f-running x=(format!("{:.0}", day.x(at))) y=(format!("{:.0}", 52.0 - height)) width=(format!("{width:.0}")) height=(format!("{height:.0}")) { title { (day.clock(at)) ": " (count) } }
        }
    }
}

/// The slots of a lane as one path: a tick each, and a band where they are close.
fn ticks(day: &Day, lane: &Lane, y: f64) -> String {
    let mut path = String::new();
    let mut places = lane.slots.iter().map(|slot| day.x(*slot)).peekable();
    while let Some(start) = places.next() {
        let mut end = start;
        while let Some(near) = places.next_if(|next| next - end <= BAND) {
            end = near;
        }
        // Writing to a string does not fail.
        let _ = write!(path, "M{start:.0} {y:.0}h{:.0}v12H{start:.0}z", end - start + 3.0);
    }
    path
}

/// The minutes in which most schedules run.
fn piles(visit: &Visit, day: &Day, lanes: &[Lane]) -> Markup {
    const MOST: usize = 10;
    let mut minutes: BTreeMap<DateTime<Utc>, Vec<&str>> = BTreeMap::new();
    for lane in lanes.iter().filter(|lane| !lane.paused) {
        for slot in &lane.slots {
            minutes.entry(*slot).or_default().push(&lane.name);
        }
    }
    let mut piles: Vec<_> = minutes.into_iter().filter(|(_, names)| names.len() > 1).collect();
    if piles.is_empty() {
        return empty("No two schedules run in the same minute.", html! {});
    }
    let all = piles.len();
    piles.sort_by_key(|(at, names)| (std::cmp::Reverse(names.len()), *at));
    piles.truncate(MOST);
    html! {
        div .scroll { table {
            thead { tr { th { "Minute" } th .num { "Schedules" } th { "Which" } } }
            tbody {
                @for (at, names) in &piles {
                    tr {
                        td .nowrap { (day.clock(*at)) }
                        td .num { (names.len()) }
                        td { @for (place, name) in names.iter().take(12).enumerate() { @if place > 0 { ", " } a href=(link(&visit.base, name)) { (words::cut(name, 30)) } } @if names.len() > 12 { " and " (names.len() - 12) " more" } }
                    }
                }
            }
        } }
        @if all > MOST { p .empty { "and " (words::grouped((all - MOST) as u64)) " more minutes with two or more" } }
    }
}
