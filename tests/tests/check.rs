//! What a program cannot run is told before a deploy meets it; rows of older shapes run.

use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use plain_worker::{CheckReport, Job, JobFilter, JobId, Queue, Registry, Worker, check, check_with, job};
use plain_worker_tests::{Database, on_every_store, until_true};

#[job]
async fn invite(user_id: i64, names: Vec<String>) -> usize {
    names.len() + usize::try_from(user_id).unwrap_or_default()
}

/// As it is after a deploy: `to` was called `recipient`, `copies` and `note` are new, and so is its name.
#[job(name = "send_letter", aliases("send_mail"))]
async fn send_letter(
    #[serde(alias = "recipient")] to: String,
    note: Option<String>,
    #[serde(default)] copies: Vec<String>,
) -> String {
    format!("{to} {note:?} {}", copies.len())
}

#[job]
async fn other(n: u8) {
    assert!(n < u8::MAX);
}

/// Rewrites a stored row as another build would have written it.
async fn rewrite(database: &Database, id: JobId, name: &str, arguments: &str) {
    let sql = format!(
        "UPDATE {{}}job_requests SET job = '{name}', shape = 'older', arguments = '{arguments}' WHERE id = '{id}'"
    );
    database.execute(&sql).await;
}

async fn store(database: &Database, queue: &Queue, name: &str, arguments: &str) -> JobId {
    let id = other::enqueue(1).on(queue).await.unwrap().id();
    rewrite(database, id, name, arguments).await;
    id
}

fn problems(report: &CheckReport) -> Vec<(&str, &str, u64)> {
    report.problems.iter().map(|one| (&*one.job, &*one.reason, one.count)).collect()
}

on_every_store! {
    everything_that_cannot_be_run_is_listed_by_job_and_reason,
    a_check_reads_all_and_changes_nothing,
    rows_of_older_shapes_pass_and_run,
    a_worker_tells_once_at_its_start,
}

async fn everything_that_cannot_be_run_is_listed_by_job_and_reason(database: Database) {
    let queue = database.queue().await;
    let clean = check(&queue).await.unwrap();
    assert!(clean.is_clean() && clean.complete);
    assert_eq!(clean.to_string(), "all 0 stored jobs can be run");
    invite::enqueue(1, vec![]).on(&queue).await.unwrap();
    let gone = store(&database, &queue, "gone", r#"{"n":1}"#).await;
    store(&database, &queue, "invite", r#"{"user_id":1}"#).await;
    store(&database, &queue, "invite", r#"{"user_id":2}"#).await;
    store(&database, &queue, "invite", r#"{"user_id":"secret","names":[]}"#).await;
    store(&database, &queue, "invite", r#"{"user_id":1,"names":["a",7]}"#).await;
    store(&database, &queue, "invite", r#"{"user_id":1,"names":[8]}"#).await;
    store(&database, &queue, "other", r#"{"n":1,"m":2}"#).await;
    // Of each state that waits.
    database.execute("UPDATE {}job_requests SET state = 'parked' WHERE seq = 3").await;
    database.execute("UPDATE {}job_requests SET state = 'blocked' WHERE seq = 4").await;
    database.execute("UPDATE {}job_requests SET state = 'scheduled' WHERE seq = 5").await;
    let report = check(&queue).await.unwrap();
    assert_eq!((report.checked, report.unfit(), report.is_clean()), (8, 7, false));
    assert_eq!(
        problems(&report),
        [
            ("gone", "unknown name", 1),
            ("invite", "missing argument `names`", 2),
            ("invite", "wrong type at `names[]`: expected a string, found integer", 2),
            ("invite", "wrong type at `user_id`: expected i64, found string", 1),
            ("other", "unknown argument `m`", 1),
        ]
    );
    assert_eq!(report.problems[0].samples, [gone]);
    let text = report.to_string();
    let first = format!("7 of 8 stored jobs cannot be run:\n  1 × gone: unknown name (for example {gone})\n");
    assert!(text.starts_with(&first) && !text.contains("secret"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["problems"][1]["reason"], "missing argument `names`");
    assert_eq!(json["problems"][0]["samples"][0], gone.to_string());
    // With a list of jobs of one's own.
    let jobs = Registry::of([other::DEFINITION]).unwrap();
    let report = check_with(&queue, &jobs).await.unwrap();
    assert_eq!(
        problems(&report),
        [("gone", "unknown name", 1), ("invite", "unknown name", 6), ("other", "unknown argument `m`", 1)]
    );
    // With the commands of a builder.
    let builder = Worker::builder(queue.clone()).schedule("cmd:true", "@daily");
    assert_eq!(builder.check().await.unwrap().unfit(), 7);
}

async fn a_check_reads_all_and_changes_nothing(database: Database) {
    let queue = database.queue().await;
    other::enqueue_all((0..2_500_u32).map(|n| other { n: u8::try_from(n % 200).unwrap_or_default() }))
        .on(&queue)
        .await
        .unwrap();
    database.execute(r#"UPDATE {}job_requests SET arguments = '{"n":-1}' WHERE seq > 2400"#).await;
    let look = async || {
        let stats = queue.stats(JobFilter::new()).await.unwrap();
        (stats, database.number("SELECT sum(seq + attempt) FROM {}job_requests").await)
    };
    let before = look().await;
    let report = check(&queue).await.unwrap();
    assert_eq!((report.checked, report.complete), (2_500, true));
    assert_eq!(problems(&report), [("other", "wrong value at `n`: expected u8, found integer", 100)]);
    assert_eq!(report.problems[0].samples.len(), 5);
    assert_eq!(look().await, before);
}

async fn rows_of_older_shapes_pass_and_run(database: Database) {
    let queue = database.queue().await;
    let mut ids = Vec::new();
    for (name, arguments) in [
        ("send_letter", r#"{"to":"ann"}"#),
        ("send_letter", r#"{"recipient":"bob","note":"hi"}"#),
        ("send_mail", r#"{"recipient":"cid","copies":["dan"]}"#),
    ] {
        ids.push(store(&database, &queue, name, arguments).await);
    }
    let report = check(&queue).await.unwrap();
    assert!(report.is_clean(), "{report}");
    let done = Worker::builder(queue.clone()).drain().run_until(std::future::pending()).await.unwrap();
    assert_eq!(done.succeeded, 3);
    let mut outputs = Vec::new();
    for id in ids {
        outputs.push(send_letter::handle(id).on(&queue).wait().await.unwrap());
    }
    assert_eq!(outputs, ["ann None 0", r#"bob Some("hi") 0"#, "cid None 1"]);
}

/// What this process has logged.
#[derive(Clone)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> Log {
    static ONCE: Once = Once::new();
    static LOG: Mutex<Option<Log>> = Mutex::new(None);
    ONCE.call_once(|| {
        let log = Log(Arc::default());
        *LOG.lock().unwrap() = Some(log.clone());
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_ansi(false);
        subscriber.with_writer(move || log.clone()).init();
    });
    LOG.lock().unwrap().clone().unwrap()
}

async fn a_worker_tells_once_at_its_start(database: Database) {
    let log = log();
    let queue = database.queue().await;
    let id = store(&database, &queue, "other", "{ }").await;
    database.execute("UPDATE {}job_requests SET state = 'parked'").await;
    let told = || {
        let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
        text.matches(&format!("missing argument `n` (for example {id})")).count()
    };
    Worker::builder(queue.clone()).run_until(until_true("it was told", || async { told() > 0 })).await.unwrap();
    assert_eq!(told(), 1);
}
