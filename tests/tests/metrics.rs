//! The metrics by their documents: every name that a table, a rule or a panel says is one that is served, and the reverse.

use std::collections::BTreeSet;
use std::time::Duration;

use plain_worker::schedule::Schedule;
use plain_worker::{BoxError, NewSchedule, PauseTarget, Worker, job};
use plain_worker_tests::{Database, on_every_store, until};

on_every_store!(what_is_served_is_what_is_documented, counters_never_go_back);

#[job]
async fn measured(fails: bool) -> Result<(), BoxError> {
    if fails { Err("it failed".into()) } else { Ok(()) }
}

/// All names of ours in a text.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !word(c)).filter(|name| name.starts_with("plain_worker_")).map(str::to_owned).collect()
}

/// The name of the metric that a name in a query belongs to.
fn metric(name: &str, known: &BTreeSet<String>) -> Option<String> {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().filter_map(|end| name.strip_suffix(end));
    std::iter::once(name).chain(of_histogram).find(|name| known.contains(*name)).map(str::to_owned)
}

/// The page of a queue that has something of everything.
async fn page(database: &Database) -> String {
    let queue = database.queue_with_movable_clock().await;
    measured::enqueue(false).on(&queue).await.unwrap();
    measured::enqueue(true).on(&queue).await.unwrap();
    Worker::builder(queue.clone()).drain().run_until(std::future::pending()).await.unwrap();
    measured::enqueue(false).on(&queue).await.unwrap();
    let new = NewSchedule::by_name("s", Schedule::parse("@daily").unwrap(), "measured");
    queue.schedules().add(new.arguments(r#"{"fails":false}"#)).await.unwrap();
    queue.pause(PauseTarget::queue("a \"quoted\" queue"), "").await.unwrap();
    queue.move_clock(Duration::from_secs(30)).await.unwrap();
    // A worker sums up what ended.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::builder(queue.clone()).queues(["nothing"]);
    let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or(()) }));
    let page = until("the ends are summed up", || async {
        let page = queue.metrics().await.unwrap();
        page.contains("outcome=\"dead\"} 1").then_some(page)
    })
    .await;
    drop(stop);
    worker.await.unwrap().unwrap();
    page
}

async fn what_is_served_is_what_is_documented(database: Database) {
    let page = page(&database).await;
    let served: BTreeSet<_> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned).collect();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        let name = name.split('{').next().unwrap();
        assert!(metric(name, &served).is_some() && value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(page.contains("plain_worker_paused{target=\"queue:a \\\"quoted\\\" queue\"} 1"), "{page}");
    assert!(page.contains("plain_worker_schedule_active{schedule=\"s\"}"), "{page}");

    let documented = names(include_str!("../../docs/metrics.md"));
    assert_eq!(documented, served, "docs/metrics.md");
    // By the conventions: counters end in _total, times are in seconds.
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        assert_eq!(name.ends_with("_seconds"), kind == "histogram" || name.ends_with("_seconds"), "{line}");
    }
    let rules = include_str!("../../docs/alerts.yml");
    let board: serde_json::Value = serde_json::from_str(include_str!("../../docs/grafana-dashboard.json")).unwrap();
    let mut queries = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            queries.push(target["expr"].as_str().expect("a query").to_owned());
        }
    }
    assert!(queries.len() > 15 && rules.matches("- alert:").count() >= 8);
    for name in names(rules).iter().chain(&names(&queries.join(" "))) {
        assert!(metric(name, &served).is_some(), "{name} is asked for, but not served");
    }
    assert_eq!(rules.matches("- alert:").count(), rules.matches("action:").count(), "each says what to do");
}

async fn counters_never_go_back(database: Database) {
    page(&database).await;
    let queue = database.queue_with_movable_clock().await;
    let count = || async {
        let page = queue.metrics().await.unwrap();
        let line = page.lines().find(|line| line.contains("outcome=\"succeeded\"")).unwrap().to_owned();
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    assert_eq!(count().await, 1);
    // Months later the sums of that day are gone, and the job, too.
    queue.move_clock(Duration::from_secs(100 * 86_400)).await.unwrap();
    queue.prune(plain_worker::Retention::default()).await.unwrap();
    measured::enqueue(false).on(&queue).await.unwrap();
    Worker::builder(queue.clone()).drain().run_until(std::future::pending()).await.unwrap();
    queue.move_clock(Duration::from_secs(30)).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::builder(queue.clone()).queues(["nothing"]);
    let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or(()) }));
    // The job of before, the one of now, and the slot of the schedule that has passed; the one that is pruned counts on.
    until("all are counted", || async { (count().await == 4).then_some(()) }).await;
    assert_eq!(queue.list(plain_worker::JobFilter::new(), None, 9).await.unwrap().len(), 3);
    drop(stop);
    worker.await.unwrap().unwrap();
}
