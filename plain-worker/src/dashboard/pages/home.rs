//! Monitoring: what is wrong, how much, how fast.

use axum::Extension;
use axum::extract::{Query, State as Shared};
use maud::{Markup, html};

use super::super::chart::{self, Step};
use super::super::guard::Visit;
use super::super::layout::{Page, badge, banner, empty, html_answer, page as frame};
use super::super::live::figures_of;
use super::super::state::State;
use super::super::{json, words};
use super::queues::{Line, lines, table};
use super::schedules::{self, Line as Scheduled};
use super::{Asked, escaped, jobs_link};
use crate::filter::quoted;
use crate::monitor::{Rate, RateKind, RateQuery, WorkerView, percentile};
use crate::status::JobState;

/// A range of time: its name, its seconds, and the seconds of a step.
const RANGES: [(&str, i64, i64); 4] =
    [("hour", 3_600, 60), ("day", 86_400, 1_800), ("week", 604_800, 10_800), ("month", 2_592_000, 43_200)];

pub(in super::super) async fn page(
    Shared(state): Shared<State>,
    Extension(visit): Extension<Visit>,
    Query(asked): Query<Asked>,
) -> Page {
    let queue = state.queue();
    let &(range, seconds, step) = RANGES.iter().find(|(name, ..)| *name == asked.range).unwrap_or(&RANGES[0]);
    let figures = figures_of(queue).await?;
    let lines = lines(queue).await?;
    let workers = queue.workers().await?;
    let of = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    let wanted = RateQuery { queue: of(&asked.queue), job: of(&asked.job), ..RateQuery::last(seconds).step(step) };
    let series = queue.rates(wanted).await?;
    let by_name = queue.rates(RateQuery::last(86_400).by_name()).await?;
    let now = queue.now().await?;
    let dead: u64 = by_name.iter().filter(|rate| rate.kind == RateKind::Dead).map(|rate| rate.count).sum();
    let schedules = schedules::lines(queue).await?;
    let mut alerts = alerts(&lines, &workers, dead, now);
    alerts.extend(schedules.iter().filter_map(|line| late(line, now)));
    if asked.json() {
        return Ok(json::answer(&serde_json::json!({
            "figures": figures, "queues": lines, "rates": series, "dead_today": dead,
            "schedules": due_next(&schedules).map(|(line, slot)| (&line.row.name, slot)).collect::<Vec<_>>(),
            "alerts": alerts.iter().map(|(text, _)| text).collect::<Vec<_>>(),
        })));
    }
    let figure = |name: &str| figures.get(name).cloned().unwrap_or_else(|| "0".to_owned());
    let body = html! {
        div .row .spread {
            h1 { "Monitoring" }
            div .tabs role="navigation" aria-label="Range" {
                @for (name, ..) in RANGES { a href={ "?range=" (name) "&queue=" (escaped(&asked.queue)) "&job=" (escaped(&asked.job)) } aria-current=[(name == range).then_some("true")] { (name) } }
            }
        }
        @if !alerts.is_empty() {
            (banner("warn", html! { ul .alerts { @for (text, link) in &alerts { li { (text) " " a href={ (visit.base) (link) } { "Look" } } } } }))
        }
        div .tiles {
            @for state in [JobState::Ready, JobState::Running, JobState::Scheduled, JobState::Retrying, JobState::Parked] {
                a .tile href=(jobs_link(&visit.base, &format!("state:{state}"))) {
                    b data-live={ "state." (state) } { (figure(&format!("state.{state}"))) } (badge(state))
                }
            }
            a .tile href=(jobs_link(&visit.base, "state:dead ended:<24h")) { b { (words::grouped(dead)) } (badge(JobState::Dead)) span .soft { " in 24 h" } }
            a .tile href={ (visit.base) "/workers" } {
                b data-live="workers.alive" { (figure("workers.alive")) }
                span .soft { "workers, " span data-live="workers.slots" { (figure("workers.slots")) } " slots" }
            }
        }
        (narrowed(&visit, &asked, range, &by_name))
        div #charts data-refresh="30" { (charts(&series, seconds, step, now.timestamp())) }
        section .panel { header { h2 { "Queues" } a href={ (visit.base) "/queues" } { "All" } } (table(&visit, &lines, now, false)) }
        div .two {
            section .panel { header { h2 { "Failing jobs, 24 h" } } (failing(&visit, &by_name)) }
            section .panel { header { h2 { "Schedules due next" } a href={ (visit.base) "/schedules" } { "All" } } (upcoming(&visit, &schedules, now)) }
        }
    };
    Ok(html_answer(frame(&visit, "/", "Monitoring", body)))
}

/// The form that chooses whose figures the charts show.
fn narrowed(visit: &Visit, asked: &Asked, range: &str, rates: &[Rate]) -> Markup {
    let choice = |name: &'static str, all: &'static str, chosen: &str, of: fn(&Rate) -> &str| {
        let names: std::collections::BTreeSet<&str> =
            rates.iter().map(of).chain((!chosen.is_empty()).then_some(chosen)).collect();
        html! {
            select name=(name) aria-label=(all) {
                option value="" { (all) }
                @for value in names.into_iter().take(200) { option value=(value) selected[value == chosen] { (words::cut(value, 40)) } }
            }
        }
    };
    html! {
        form .row .narrow method="get" action={ (visit.base) "/" } {
            input type="hidden" name="range" value=(range);
            (choice("queue", "all queues", &asked.queue, |rate| &rate.queue))
            (choice("job", "all jobs", &asked.job, |rate| &rate.job))
            button { "Show" }
        }
    }
}

/// What is wrong, each with the path of the page where it is put right.
fn alerts(
    lines: &[Line],
    workers: &[WorkerView],
    dead: u64,
    now: chrono::DateTime<chrono::Utc>,
) -> Vec<(String, String)> {
    let mut alerts = Vec::new();
    let alive = workers.iter().filter(|worker| worker.alive).count();
    for line in lines {
        let ready = line.waiting.get(&JobState::Ready).copied().unwrap_or_default();
        let parked = line.waiting.get(&JobState::Parked).copied().unwrap_or_default();
        if ready > 0 && line.workers == 0 {
            let text = format!(
                "No live worker serves queue {}, where {} ready: start one, or let one serve it.",
                line.name,
                are(ready, "job")
            );
            alerts.push((text, jobs_link("", &format!("state:ready queue:{}", quoted(&line.name)))));
        } else if let Some(oldest) =
            line.oldest_ready.filter(|at| (now - *at).num_minutes() >= 15 && line.paused.is_none())
        {
            let text = format!(
                "The oldest job in queue {} is ready for {}: add workers or slots.",
                line.name,
                words::span(now - oldest)
            );
            alerts.push((text, jobs_link("", &format!("state:ready queue:{}", quoted(&line.name)))));
        }
        if parked > 0 {
            let text = format!(
                "In queue {} {} parked: no worker that lives can run what is there.",
                line.name,
                are(parked, "job")
            );
            alerts.push((text, jobs_link("", &format!("state:parked queue:{}", quoted(&line.name)))));
        }
    }
    let lost = workers.len() - alive;
    if lost > 0 {
        alerts.push((format!("{} lost: their jobs are rescued.", are(lost as u64, "worker")), "/workers".to_owned()));
    }
    if dead > 0 {
        alerts.push((
            format!(
                "{} died in the last 24 hours.",
                if dead == 1 { "1 job".to_owned() } else { format!("{} jobs", words::grouped(dead)) }
            ),
            jobs_link("", "state:dead ended:<24h"),
        ));
    }
    alerts
}

/// What is wrong with a schedule, and the path of its page.
fn late(line: &Scheduled, now: chrono::DateTime<chrono::Utc>) -> Option<(String, String)> {
    let (name, path) = (&line.row.name, schedules::link("", &line.row.name));
    if let Some(problem) = &line.row.problem {
        return Some((format!("Schedule {name}: {problem}."), path));
    }
    let since = words::span(now - line.overdue?);
    Some((
        format!("Schedule {name} is overdue by {since}: look whether a worker that knows it reaches the database."),
        path,
    ))
}

/// The schedules that will run, each with its next slot, the nearest first.
fn due_next(lines: &[Scheduled]) -> impl Iterator<Item = (&Scheduled, chrono::DateTime<chrono::Utc>)> {
    use crate::ScheduleState::{Active, Unserved};
    let running = lines.iter().filter(|line| matches!(line.row.state, Active | Unserved));
    let mut next: Vec<_> = running.filter_map(|line| Some((line, *line.next.first()?))).collect();
    next.sort_by_key(|(_, slot)| *slot);
    next.into_iter().take(8)
}

fn upcoming(visit: &Visit, lines: &[Scheduled], now: chrono::DateTime<chrono::Utc>) -> Markup {
    let mut next = due_next(lines).peekable();
    if next.peek().is_none() {
        return empty(
            "No schedule is due.",
            html! { "Write " code { "#[scheduled(\"0 9 * * *\")]" } " above a function." },
        );
    }
    html! {
        div .scroll { table {
            thead { tr { th { "Schedule" } th { "Job" } th .num { "Due" } } }
            tbody {
                @for (line, slot) in next {
                    tr {
                        td { a href=(schedules::link(&visit.base, &line.row.name)) { (words::cut(&line.row.name, 40)) } }
                        td .mono { (words::cut(&line.row.job, 30)) }
                        td .num { (words::when(slot, now)) }
                    }
                }
            }
        } }
    }
}

/// `1 job is`, `2 jobs are`.
fn are(count: u64, what: &str) -> String {
    let number = words::grouped(count);
    if count == 1 { format!("{number} {what} is") } else { format!("{number} {what}s are") }
}

fn charts(series: &[Rate], seconds: i64, step: i64, now: i64) -> Markup {
    let first = (now - seconds) / step * step + step;
    let ats: Vec<i64> = (0..seconds / step).map(|n| first + n * step).collect();
    let sum = |at: i64, wanted: &dyn Fn(&RateKind) -> bool| -> u64 {
        series.iter().filter(|rate| rate.at == at && wanted(&rate.kind)).map(|rate| rate.count).sum()
    };
    let failed = |kind: &RateKind| {
        matches!(kind, RateKind::Dead | RateKind::Failed) || matches!(kind, RateKind::Other(name) if name == "lost")
    };
    #[allow(clippy::cast_precision_loss, reason = "places in a picture")]
    let counts: Vec<Step> = ats
        .iter()
        .map(|&at| Step {
            at,
            values: vec![sum(at, &|kind| *kind == RateKind::Succeeded) as f64, sum(at, &failed) as f64],
        })
        .collect();
    let times = |wanted: &dyn Fn(&RateKind) -> bool| -> Vec<Step> {
        #[allow(clippy::cast_precision_loss, reason = "places in a picture")]
        let of = |at: i64, share: f64| {
            let buckets =
                series.iter().filter(|rate| rate.at == at && wanted(&rate.kind)).map(|rate| (rate.bucket, rate.count));
            percentile(buckets, share).unwrap_or_default() as f64
        };
        ats.iter().map(|&at| Step { at, values: vec![of(at, 0.5), of(at, 0.95), of(at, 0.99)] }).collect()
    };
    let unit = match step {
        60 => "a minute",
        1_800 => "half an hour",
        10_800 => "3 hours",
        _ => "12 hours",
    };
    let curves = [("p50", "l-p50"), ("p95", "l-p95"), ("p99", "l-p99")];
    let key = html! { span .legend { span .p50 { i {} "p50" } span .p95 { i {} "p95" } span .p99 { i {} "p99" } } };
    html! {
        section .panel {
            header { h2 { "Ended " (unit) } span .legend { span .ok { i {} "succeeded" } span .no { i {} "failed" } } }
            div .body { (chart::bars("Ended jobs over time", &counts, step, &[("succeeded", "f-succeeded"), ("failed", "f-failed")])) }
        }
        div .two {
            section .panel { header { h2 { "Wait after due" } (key) } div .body { (chart::lines("Wait over time", &times(&|kind| *kind == RateKind::Wait), step, &curves)) } }
            section .panel { header { h2 { "Run time" } (key) } div .body { (chart::lines("Run time over time", &times(&|kind| *kind == RateKind::Succeeded || failed(kind)), step, &curves)) } }
        }
    }
}

fn failing(visit: &Visit, rates: &[Rate]) -> Markup {
    let mut jobs: std::collections::BTreeMap<&str, (u64, u64, u64)> = std::collections::BTreeMap::new();
    for rate in rates.iter().filter(|rate| rate.kind != RateKind::Wait) {
        let line = jobs.entry(&rate.job).or_default();
        line.0 += rate.count;
        match rate.kind {
            RateKind::Failed => line.1 += rate.count,
            RateKind::Dead => line.2 += rate.count,
            _ => {}
        }
    }
    let mut failing: Vec<_> = jobs.into_iter().filter(|(_, (_, failed, dead))| failed + dead > 0).collect();
    failing.sort_by_key(|(_, (_, failed, dead))| std::cmp::Reverse((*dead, *failed)));
    if failing.is_empty() {
        return empty("Nothing failed.", html! { "Attempts that fail show up here within seconds." });
    }
    html! {
        div .scroll { table {
            thead { tr { th { "Job" } th .num { "Ended" } th .num { "Failed, tried again" } th .num { "Dead" } th .num { "Share" } } }
            tbody {
                @for (job, (all, failed, dead)) in failing.into_iter().take(10) {
                    tr {
                        td { a href=(jobs_link(&visit.base, &format!("status:errored job:{}", quoted(job)))) { (words::cut(job, 80)) } }
                        td .num { (words::grouped(all)) } td .num { (words::grouped(failed)) } td .num { (words::grouped(dead)) }
                        td .num { ((failed + dead) * 100 / all.max(1)) "%" }
                    }
                }
            }
        } }
    }
}
