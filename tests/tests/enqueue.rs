//! Enqueues: the builder, what is refused, the caller's own transaction, many at once.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use plain_worker::{
    Error, Inserted, JobFilter, JobState, Queue, Refused, UniqueUntil, WaitError, Worker, WorkerReport, job,
};
use plain_worker_tests::{Database, on_every_store};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, SqlitePool};
use uuid::Uuid;

#[job]
async fn double(n: i64) -> i64 {
    n * 2
}

#[job(name = "mailing", queue = "mail", priority = 3, retries = 4, timeout = "30s", expires_in = "1h")]
async fn send_mail(_to: String) {}

#[job(unique)]
async fn reindex(_id: i64, _full: bool) {}

#[job(unique(_account), until = "start")]
async fn sync_account(_account: i64, _reason: String) {}

#[job]
async fn nap(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[job]
async fn echo(everything: Everything) -> Everything {
    everything
}

#[job]
async fn measure(value: f64, more: BTreeMap<String, Vec<f32>>) -> f64 {
    value + f64::from(more.values().flatten().sum::<f32>())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    most: u64,
    least: i64,
    tiny: f64,
    nul: String,
    emoji: String,
    deep: serde_json::Value,
    nothing: Option<u8>,
    something: Option<u8>,
    empty: BTreeMap<String, u8>,
    unit: Shape,
    newtype: Shape,
    tuple: Shape,
    named: Shape,
    tagged: Tagged,
    untagged: Vec<Untagged>,
    at: DateTime<Utc>,
    day: NaiveDate,
    id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(i32),
    Tuple(i32, String),
    Named { a: i32 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data")]
enum Tagged {
    Circle { radius: f64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
}

/// Runs everything that is due, with a worker of default settings.
async fn drain(queue: &Queue) -> WorkerReport {
    Worker::builder(queue.clone()).drain().run_until(std::future::pending()).await.expect("a worker")
}

async fn count(queue: &Queue, filter: JobFilter) -> u64 {
    queue.stats(filter).await.expect("stats").iter().map(|line| line.count).sum()
}

on_every_store! {
    both_calls_enqueue_and_the_handle_gives_the_output,
    the_builder_overrides_the_attribute,
    what_cannot_be_stored_is_refused_and_nothing_is_stored,
    every_value_comes_back_as_it_went,
    a_key_answers_with_the_job_that_holds_it,
    a_key_until_start_lets_the_next_one_wait,
    a_hundred_thousand_go_in_with_one_call,
    a_mixed_set_goes_in_as_one,
    the_builder_can_be_joined_selected_and_spawned,
    two_schemas_in_one_database_do_not_touch_each_other,
    missing_tables_are_an_error_that_names_the_command,
    ten_workers_at_once_on_an_empty_database_all_come_up,
}

async fn both_calls_enqueue_and_the_handle_gives_the_output(database: Database) {
    let queue = database.queue().await;
    let first = double::enqueue(7).on(&queue).await.unwrap();
    let second = double { n: 8 }.run_in_worker().on(&queue).await.unwrap();
    assert_eq!(first.status().await.unwrap(), JobState::Ready);
    assert!(matches!(first.wait_for(Duration::from_millis(1)).await, Err(WaitError::NotYet { .. })));
    assert_eq!(double(9).await, 18, "the function stays callable");
    let (report, one, two) = tokio::join!(drain(&queue), first.wait(), second.wait());
    assert_eq!((report.succeeded, one.unwrap(), two.unwrap()), (2, 14, 16));
    let again = double::handle(first.id()).on(&queue);
    assert_eq!((again.wait().await.unwrap(), again.status().await.unwrap()), (14, JobState::Succeeded));
    let nobody = double::handle(Uuid::now_v7().into()).on(&queue);
    assert!(matches!(nobody.wait().await, Err(WaitError::Queue(Error::NoSuchJob { .. }))));
    let row = queue.job(first.id()).await.unwrap().unwrap();
    assert_eq!(row.source.as_deref().map(|source| source.split(':').next()), Some(Some(file!())));
    assert_eq!((row.arguments.as_str(), row.output.as_deref()), (r#"{"n":7}"#, Some("14")));
}

async fn the_builder_overrides_the_attribute(database: Database) {
    let queue = database.queue().await;
    let plain = send_mail::enqueue("a".to_owned()).on(&queue).await.unwrap();
    let row = queue.job(plain.id()).await.unwrap().unwrap();
    assert_eq!((row.job.as_str(), row.queue.as_str(), row.priority, row.retries), ("mailing", "mail", 3, 4));
    let changed = send_mail::enqueue("a".to_owned())
        .queue("slow")
        .priority(-5)
        .retries(9)
        .delay(Duration::from_secs(3600))
        .unique_key("k")
        .metadata(BTreeMap::from([("tenant", 7)]))
        .on(&queue)
        .await
        .unwrap();
    let row = queue.job(changed.id()).await.unwrap().unwrap();
    assert_eq!((row.queue.as_str(), row.priority, row.retries), ("slow", -5, 9));
    assert_eq!((row.state, row.unique_key.as_deref()), (JobState::Scheduled, Some("k")));
    assert_eq!(row.metadata.as_deref(), Some(r#"{"tenant":7}"#));
    assert_eq!((row.due_at - row.enqueued_at).num_seconds(), 3600);
    let berlin = chrono::FixedOffset::east_opt(3600).unwrap();
    let at = (Utc::now() + TimeDelta::days(2)).with_timezone(&berlin);
    let later = double::enqueue(1).run_at(at).on(&queue).await.unwrap();
    let row = queue.job(later.id()).await.unwrap().unwrap();
    assert_eq!(row.due_at.timestamp_micros(), at.timestamp_micros());
}

async fn what_cannot_be_stored_is_refused_and_nothing_is_stored(database: Database) {
    let queue = database.queue_with(Queue::options().payload_limit(1000)).await;
    let refused = |answer: plain_worker::Result<()>| match answer {
        Err(Error::Refused(refused)) => refused,
        other => panic!("it was not refused: {other:?}"),
    };
    let send = async |build: plain_worker::Enqueue<'static, double>| refused(build.on(&queue).await.map(drop));
    let nan = measure::enqueue(f64::NAN, BTreeMap::new()).on(&queue).await.map(drop);
    assert_eq!(
        refused(nan).to_string(),
        "job `measure` was not enqueued: `value`: NaN cannot be stored, JSON has only finite numbers"
    );
    let deep = measure::enqueue(1.0, BTreeMap::from([("a".to_owned(), vec![1.0, f32::INFINITY])]));
    assert!(refused(deep.on(&queue).await.map(drop)).to_string().contains("`more.a.1`: inf"));
    let large = send_mail::enqueue("x".repeat(1001)).on(&queue).await.map(drop);
    assert!(matches!(refused(large), Refused::TooLarge { size: 1011, limit: 1000, .. }));
    assert!(send_mail::enqueue("x".repeat(900)).on(&queue).await.is_ok());
    assert!(matches!(send(double::enqueue(1).queue("")).await, Refused::Name { what: "queue name", .. }));
    assert!(matches!(send(double::enqueue(1).queue("q".repeat(201))).await, Refused::Name { .. }));
    assert!(matches!(send(double::enqueue(1).queue("a\0b")).await, Refused::Name { .. }));
    assert!(matches!(send(double::enqueue(1).unique_key("")).await, Refused::Name { what: "unique key", .. }));
    assert!(matches!(send(double::enqueue(1).delay(Duration::MAX)).await, Refused::Delay { .. }));
    assert!(matches!(send(double::enqueue(1).expires_in(Duration::from_secs(u64::MAX))).await, Refused::Delay { .. }));
    assert!(matches!(send(double::enqueue(1).timeout(Duration::ZERO)).await, Refused::Option { .. }));
    assert!(matches!(send(double::enqueue(1).metadata([1, 2])).await, Refused::Option { .. }));
    let bulk = (0..3).map(|n| double { n }).collect::<Vec<_>>();
    assert!(matches!(double::enqueue_all(bulk).queue("").on(&queue).await, Err(Error::Refused(_))));
    assert_eq!(count(&queue, JobFilter::new()).await, 1);
    assert!(matches!(Queue::options().schema("no good").connect(&database.url).await, Err(Error::Namespace { .. })));
    assert!(
        matches!(Queue::connect("mysql://me:secret@host/db").await, Err(Error::Url { url, .. }) if !url.contains("secret"))
    );
}

async fn every_value_comes_back_as_it_went(database: Database) {
    let queue = database.queue().await;
    let deep = (0..100).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let everything = Everything {
        most: u64::MAX,
        least: i64::MIN,
        tiny: 5e-324,
        nul: "a\u{0}b".to_owned(),
        emoji: "🦀👩‍🚀\u{202e}".to_owned(),
        deep,
        nothing: None,
        something: Some(1),
        empty: BTreeMap::new(),
        unit: Shape::Unit,
        newtype: Shape::Newtype(-1),
        tuple: Shape::Tuple(2, "\"\\".to_owned()),
        named: Shape::Named { a: 3 },
        tagged: Tagged::Circle { radius: 0.1 + 0.2 },
        untagged: vec![Untagged::Number(1), Untagged::Text(String::new())],
        at: "2026-02-28T23:59:59.123456789Z".parse().unwrap(),
        day: NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(),
        id: Uuid::nil(),
    };
    let handle = echo::enqueue(everything.clone()).on(&queue).await.unwrap();
    drain(&queue).await;
    assert_eq!(handle.wait().await.unwrap(), everything);
}

async fn a_key_answers_with_the_job_that_holds_it(database: Database) {
    let queue = database.queue().await;
    let first = reindex::enqueue(7, true).on(&queue).await.unwrap();
    assert!(first.inserted().is_new());
    let same = reindex::enqueue(7, true).on(&queue).await.unwrap();
    assert_eq!(same.inserted(), Inserted::Existing(first.id(), JobState::Ready));
    assert!(reindex::enqueue(7, false).on(&queue).await.unwrap().inserted().is_new());
    let tasks: Vec<_> = (0..16).map(|_| tokio::spawn(reindex::enqueue(8, true).on(queue.clone()).send())).collect();
    let mut ids = HashSet::new();
    for task in tasks {
        ids.insert(task.await.unwrap().unwrap().id());
    }
    assert_eq!(ids.len(), 1);
    let bulk = [9, 9, 7].map(|id| reindex { _id: id, _full: true });
    let answers = reindex::enqueue_all(bulk).on(&queue).await.unwrap();
    assert_eq!(answers.iter().map(Inserted::is_new).collect::<Vec<_>>(), [true, false, false]);
    drain(&queue).await;
    assert!(reindex::enqueue(7, true).on(&queue).await.unwrap().inserted().is_new(), "free when it has ended");
}

async fn a_key_until_start_lets_the_next_one_wait(database: Database) {
    let queue = database.queue().await;
    let first = sync_account::enqueue(7, "a".into()).on(&queue).await.unwrap();
    let second = sync_account::enqueue(7, "b".into()).on(&queue).await.unwrap();
    assert_eq!(second.id(), first.id(), "only the account makes the key");
    let own = double::enqueue(1).unique_key("mine").unique_until(UniqueUntil::Start).on(&queue).await.unwrap();
    assert_eq!(double::enqueue(2).unique_key("mine").on(&queue).await.unwrap().id(), own.id());
    drain(&queue).await;
    assert!(sync_account::enqueue(7, "c".into()).on(&queue).await.unwrap().inserted().is_new());
}

async fn a_hundred_thousand_go_in_with_one_call(database: Database) {
    let queue = database.queue().await;
    let all = double::enqueue_all((0..100_000).map(|n| double { n }))
        .queue("bulk")
        .priority(2)
        .delay(Duration::from_secs(60))
        .on(&queue)
        .await
        .unwrap();
    assert!(all.iter().all(Inserted::is_new));
    assert_eq!(all.iter().map(Inserted::id).collect::<HashSet<_>>().len(), 100_000);
    assert_eq!(count(&queue, JobFilter::new().queue("bulk").state(JobState::Scheduled)).await, 100_000);
}

async fn a_mixed_set_goes_in_as_one(database: Database) {
    let queue = database.queue().await;
    let set = || {
        [
            double::enqueue(1).prepare().unwrap(),
            send_mail::enqueue("a".into()).priority(9).prepare().unwrap(),
            reindex::enqueue(1, true).prepare().unwrap(),
        ]
    };
    assert!(queue.enqueue_batch(set()).await.unwrap().iter().all(Inserted::is_new));
    let second = queue.enqueue_batch(set()).await.unwrap();
    assert_eq!(second.iter().map(Inserted::is_new).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(queue.list(JobFilter::new().job("mailing"), None, 9).await.unwrap()[0].priority, 9);
}

async fn the_builder_can_be_joined_selected_and_spawned(database: Database) {
    let queue = database.queue().await;
    let (one, two) = tokio::join!(double::enqueue(1).on(&queue), double::enqueue(2).on(&queue));
    assert_ne!(one.unwrap().id(), two.unwrap().id());
    tokio::select! {
        three = double::enqueue(3).on(&queue) => assert!(three.is_ok()),
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("an enqueue does not take a minute"),
    }
    let task = tokio::spawn(double::enqueue(4).on(queue.clone()).send());
    assert!(task.await.unwrap().is_ok());
    let blocking = queue.clone();
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || answer.send(double::enqueue(5).on(blocking).blocking()));
    let fifth = answered.await.unwrap().unwrap();
    assert_eq!(count(&queue, JobFilter::new()).await, 5);
    assert_eq!(fifth.status().await.unwrap(), JobState::Ready);
    // One that is given up half-way leaves nothing broken behind.
    for _ in 0..20 {
        let _ = tokio::time::timeout(Duration::from_micros(50), double::enqueue(6).on(&queue)).await;
    }
    drain(&queue).await;
    assert!(double::enqueue(7).on(&queue).await.is_ok());
}

async fn two_schemas_in_one_database_do_not_touch_each_other(database: Database) {
    let (shop, blog) = (
        database.queue_with(Queue::options().schema("shop")).await,
        database.queue_with(Queue::options().schema("blog")).await,
    );
    let handle = double::enqueue(1).unique_key("k").on(&shop).await.unwrap();
    assert!(double::enqueue(1).unique_key("k").on(&blog).await.unwrap().inserted().is_new());
    assert_eq!(drain(&blog).await.succeeded, 1);
    assert_eq!(handle.status().await.unwrap(), JobState::Ready);
    assert!(blog.job(handle.id()).await.unwrap().is_none());
}

async fn missing_tables_are_an_error_that_names_the_command(database: Database) {
    let answers = if database.is_postgres() {
        let pool = PgPool::connect(&database.url).await.unwrap();
        let queue = Queue::from_pool(&pool);
        let mut tx = pool.begin().await.unwrap();
        [double::enqueue(1).on(&queue).await.map(drop), double::enqueue(1).on(&mut tx).await.map(drop)]
    } else {
        let pool = SqlitePool::connect(&format!("{}?mode=rwc", database.url)).await.unwrap();
        let queue = Queue::from_pool(&pool);
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let in_transaction = double::enqueue(1).on(&mut tx).await.map(drop);
        tx.rollback().await.unwrap();
        [double::enqueue(1).on(&queue).await.map(drop), in_transaction]
    };
    for answer in answers {
        let text = answer.unwrap_err().to_string();
        assert!(text.contains("tables of plain-worker are missing") && text.contains("migrate"), "{text}");
    }
}

async fn ten_workers_at_once_on_an_empty_database_all_come_up(database: Database) {
    let workers: Vec<_> = (0..10)
        .map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move {
                let queue = Queue::options().pool_size(2).connect(&url).await?;
                nap::enqueue(1).on(&queue).await?;
                Worker::builder(queue).drain().run_until(std::future::pending()).await
            })
        })
        .collect();
    let mut succeeded = 0;
    for worker in workers {
        succeeded += worker.await.unwrap().unwrap().succeeded;
    }
    assert_eq!(succeeded, 10);
}
