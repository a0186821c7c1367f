//! Figures in Prometheus' text format; `docs/metrics.md` says what each of them is.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use chrono::{DateTime, Utc};

use super::{Depth, RATE_BOUNDS, Rate, RateKind, WorkerView};
use crate::ledger::ScheduleRow;
use crate::pause::Pause;
use crate::status::{JobState, ScheduleState};

/// What is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures<'f> {
    pub now: DateTime<Utc>,
    pub depths: &'f [Depth],
    pub workers: &'f [WorkerView],
    /// All that has ever ended.
    pub totals: &'f [Rate],
    pub schedules: &'f [ScheduleRow],
    pub pauses: &'f [Pause],
    /// Errors of the database that this process met, by kind.
    pub faults: &'f [(&'static str, u64)],
}

/// A text that grows metric by metric.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(self.0, "# HELP plain_worker_{name} {help}\n# TYPE plain_worker_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "plain_worker_{name}{labels} {value}");
    }
}

/// The value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

pub(crate) fn exposition(figures: &Figures<'_>) -> String {
    let mut page = Page(String::new());
    queues(&mut page, figures);
    workers(&mut page, figures.workers);
    ends(&mut page, figures.totals);
    schedules(&mut page, figures.schedules);
    page.head("paused", "gauge", "What is paused: `*`, a queue, a job or a worker.");
    for pause in figures.pauses {
        page.line("paused", &[("target", &pause.target.to_string())], 1);
    }
    page.head("store_errors_total", "counter", "Errors of the database that this process met since it started.");
    for (kind, count) in figures.faults {
        page.line("store_errors_total", &[("kind", kind)], count);
    }
    page.0
}

fn queues(page: &mut Page, figures: &Figures<'_>) {
    page.head("jobs", "gauge", "Jobs that wait or run, counted up to 10000.");
    for depth in figures.depths {
        page.line("jobs", &[("queue", &depth.queue), ("state", depth.state.as_str())], depth.count);
    }
    page.head("oldest_ready_seconds", "gauge", "For how long the oldest ready job of a queue is due.");
    for depth in figures.depths.iter().filter(|depth| depth.state == JobState::Ready) {
        let age = depth.oldest.map_or(0, |at| (figures.now - at).num_seconds().max(0));
        page.line("oldest_ready_seconds", &[("queue", &depth.queue)], age);
    }
}

fn workers(page: &mut Page, workers: &[WorkerView]) {
    let alive = || workers.iter().filter(|worker| worker.alive);
    page.head("workers", "gauge", "Workers that have a row, by whether they live.");
    page.line("workers", &[("alive", "true")], alive().count());
    page.line("workers", &[("alive", "false")], workers.len() - alive().count());
    page.head("slots", "gauge", "Jobs that live workers can run at once.");
    page.line("slots", &[], alive().map(|worker| worker.concurrency).sum::<i64>());
    page.head("slots_used", "gauge", "Jobs that live workers run.");
    page.line("slots_used", &[], alive().map(|worker| worker.running).sum::<i64>());
}

fn ends(page: &mut Page, totals: &[Rate]) {
    page.head("attempts_total", "counter", "Attempts that ended, by how.");
    let mut ended: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for rate in totals {
        let outcome = match &rate.kind {
            RateKind::Wait => continue,
            RateKind::Succeeded => "succeeded",
            RateKind::Dead => "dead",
            RateKind::Failed => "failed",
            RateKind::Other(name) => name,
        };
        *ended.entry((&rate.queue, &rate.job, outcome)).or_default() += rate.count;
    }
    for ((queue, job, outcome), count) in ended {
        page.line("attempts_total", &[("queue", queue), ("job", job), ("outcome", outcome)], count);
    }
    histogram(page, "wait_seconds", "Time from due to start.", totals, true);
    histogram(page, "run_seconds", "Run time of attempts.", totals, false);
}

#[allow(clippy::cast_precision_loss, reason = "seconds of figures")]
fn histogram(page: &mut Page, name: &str, help: &str, totals: &[Rate], waits: bool) {
    page.head(name, "histogram", help);
    let mut all: BTreeMap<(&str, &str), ([u64; RATE_BOUNDS.len() + 1], i64)> = BTreeMap::new();
    for rate in totals.iter().filter(|rate| (rate.kind == RateKind::Wait) == waits) {
        let (buckets, total) = all.entry((&rate.queue, &rate.job)).or_default();
        buckets[rate.bucket.min(RATE_BOUNDS.len())] += rate.count;
        *total += rate.total_us;
    }
    for ((queue, job), (buckets, total)) in all {
        let mut sum = 0;
        for (place, count) in buckets.iter().enumerate() {
            sum += count;
            let bound = RATE_BOUNDS.get(place).map_or_else(|| "+Inf".to_owned(), |&us| (us as f64 / 1e6).to_string());
            page.line(&format!("{name}_bucket"), &[("queue", queue), ("job", job), ("le", &bound)], sum);
        }
        page.line(&format!("{name}_sum"), &[("queue", queue), ("job", job)], total as f64 / 1e6);
        page.line(&format!("{name}_count"), &[("queue", queue), ("job", job)], sum);
    }
}

fn schedules(page: &mut Page, schedules: &[ScheduleRow]) {
    page.head("schedule_active", "gauge", "Whether the slots of a schedule become runs.");
    for row in schedules {
        let active = matches!(row.state, ScheduleState::Active | ScheduleState::Unserved);
        page.line("schedule_active", &[("schedule", &row.name)], u8::from(active));
    }
    page.head(
        "schedule_overdue_seconds",
        "gauge",
        "For how long a slot should have been settled; 0 when none is late.",
    );
    for row in schedules {
        let owed = row.schedule().ok().and_then(|schedule| schedule.next_after(row.settled_at));
        let runs = matches!(row.state, ScheduleState::Active | ScheduleState::Unserved);
        let late = owed.filter(|_| runs).map_or(0, |slot| (row.now - slot).num_seconds().max(0));
        page.line("schedule_overdue_seconds", &[("schedule", &row.name)], late);
    }
    page.head("schedule_last_slot_timestamp_seconds", "gauge", "The latest slot that became a run.");
    for (row, slot) in schedules.iter().filter_map(|row| Some((row, row.last_slot?))) {
        page.line("schedule_last_slot_timestamp_seconds", &[("schedule", &row.name)], slot.timestamp());
    }
    page.head("schedule_skipped_total", "counter", "Slots that were passed over.");
    for row in schedules {
        page.line("schedule_skipped_total", &[("schedule", &row.name)], row.skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_are_cumulative_and_labels_escaped() {
        let rate = |kind, bucket, count, total_us| Rate {
            at: 0,
            queue: "a\"b\\c\nd".to_owned(),
            job: "j".to_owned(),
            kind,
            bucket,
            count,
            total_us,
        };
        let totals = [
            rate(RateKind::Succeeded, 0, 3, 1_500),
            rate(RateKind::Dead, 20, 1, 4_000_000_000),
            rate(RateKind::Wait, 1, 4, 6_000),
        ];
        let figures = Figures {
            now: DateTime::UNIX_EPOCH,
            depths: &[],
            workers: &[],
            totals: &totals,
            schedules: &[],
            pauses: &[],
            faults: &[("conflict", 2)],
        };
        let text = exposition(&figures);
        let labels = r#"queue="a\"b\\c\nd",job="j""#;
        for line in [
            format!("plain_worker_attempts_total{{{labels},outcome=\"succeeded\"}} 3"),
            format!("plain_worker_run_seconds_bucket{{{labels},le=\"0.001\"}} 3"),
            format!("plain_worker_run_seconds_bucket{{{labels},le=\"3600\"}} 3"),
            format!("plain_worker_run_seconds_bucket{{{labels},le=\"+Inf\"}} 4"),
            format!("plain_worker_run_seconds_sum{{{labels}}} 4000.0015"),
            format!("plain_worker_wait_seconds_count{{{labels}}} 4"),
            "plain_worker_store_errors_total{kind=\"conflict\"} 2".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
