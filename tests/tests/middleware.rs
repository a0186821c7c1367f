//! What runs around jobs: middleware in its order, the lines in the log, spans, and hooks after an end.

use std::cell::RefCell;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use plain_worker::middleware::{AttemptFailed, End, Logging, Middleware, Next, Tracing};
use plain_worker::{
    AttemptStatus, BoxError, Context, ErrorKind, JobState, Queue, WaitError, Worker, WorkerBuilder, discard, job,
    snooze,
};
use plain_worker_tests::{Database, on_every_store, until, until_true};

/// What is seen on the way, in its order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn read(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("code {0}")]
struct Code(u16);

#[job(retries = 1, backoff = fixed("1ms"))]
async fn answers(#[inject] notes: Notes, #[inject] ctx: Context, code: u16) -> Result<String, Code> {
    notes.write(format!("job {code}"));
    match code {
        200 => Ok("fine".to_owned()),
        // Once, then well.
        503 if ctx.attempt() == 2 => Ok("late".to_owned()),
        500 => panic!("it broke"),
        code => Err(Code(code)),
    }
}

#[job(timeout = "20ms")]
async fn hangs() {
    std::future::pending::<()>().await;
}

#[job]
async fn waits(#[inject] notes: Notes, #[inject] ctx: Context) -> Result<(), BoxError> {
    notes.write("waits");
    ctx.cancelled().await;
    Err("stopped as told".into())
}

#[job]
async fn says(text: String) {
    tracing::info!("async says {text}");
}

#[job]
fn says_plainly(text: String) {
    tracing::info!("plain says {text}");
}

struct Named(&'static str, Notes);

impl Middleware for Named {
    async fn call(&self, ctx: &Context, next: Next<'_>) -> End {
        self.1.write(format!("{} before {} {}", self.0, ctx.job(), ctx.attempt()));
        let end = next.run().await;
        let code = end.error().and_then(|error| error.downcast_ref::<Code>()).map(|code| code.0);
        let failed = end.error().and_then(|error| error.downcast_ref::<AttemptFailed>()).map(AttemptFailed::kind);
        self.1.write(format!(
            "{} after {} {} retry={} code={code:?} failed={failed:?} output={:?}",
            self.0,
            end.status(),
            end.state(),
            end.will_retry(),
            end.output(),
        ));
        end
    }
}

/// Ends some jobs itself.
struct Gate;

impl Middleware for Gate {
    async fn call(&self, ctx: &Context, next: Next<'_>) -> End {
        match ctx.queue_name() {
            "closed" => next.fail(discard("closed for good")),
            "later" => next.fail(snooze(Duration::from_secs(600))),
            "answered" => next.succeed("from the gate"),
            "broken" => panic!("the gate broke"),
            "turned" => next.run().await.failing_with(discard("turned down")),
            _ => next.run().await,
        }
    }
}

fn worker(queue: &Queue, notes: &Notes) -> WorkerBuilder {
    Worker::builder(queue.clone()).state(notes.clone()).state(Arc::new(AtomicU32::new(0)))
}

async fn drain(builder: WorkerBuilder) {
    builder.drain().run_until(std::future::pending()).await.expect("a worker");
}

on_every_store! {
    middleware_runs_in_its_order_and_sees_how_attempts_end,
    middleware_may_end_the_attempt_itself,
    each_attempt_has_one_line_for_its_start_and_one_for_its_end,
    spans_reach_into_the_jobs,
    hooks_are_called_after_the_end_was_recorded,
    a_hook_hears_of_lost_jobs,
}

async fn middleware_runs_in_its_order_and_sees_how_attempts_end(database: Database) {
    let queue = database.queue().await;
    let notes = Notes::default();
    let run = async |sent: Vec<plain_worker::Enqueue<'static, answers>>| {
        notes.0.lock().unwrap().clear();
        for one in sent {
            one.on(&queue).await.unwrap();
        }
        let builder = worker(&queue, &notes).concurrency(1);
        let builder = builder.middleware(Named("a", notes.clone())).middleware(Named("b", notes.clone()));
        let stop = async {
            until_true("all have ended", || async {
                let left = queue.stats(plain_worker::JobFilter::new()).await.unwrap();
                left.iter().all(|line| line.state.is_final())
            })
            .await;
        };
        builder.run_until(stop).await.unwrap();
        notes.read()
    };
    assert_eq!(
        run(vec![answers::enqueue(200)]).await,
        [
            "a before answers 1",
            "b before answers 1",
            "job 200",
            r#"b after successful succeeded retry=false code=None failed=None output=Some("\"fine\"")"#,
            r#"a after successful succeeded retry=false code=None failed=None output=Some("\"fine\"")"#,
        ]
    );
    let lines = run(vec![answers::enqueue(503)]).await;
    assert_eq!(lines[3], "b after errored retrying retry=true code=Some(503) failed=None output=None");
    assert_eq!(lines[5], "a before answers 2");
    assert!(lines[9].starts_with("a after successful succeeded retry=false"), "{lines:?}");
    let lines = run(vec![answers::enqueue(404).retries(0)]).await;
    assert_eq!(lines[4], "a after errored dead retry=false code=Some(404) failed=None output=None");
    let lines = run(vec![answers::enqueue(500).retries(0)]).await;
    assert_eq!(lines[4], "a after errored dead retry=false code=None failed=Some(Panic) output=None");
    hangs::enqueue().on(&queue).await.unwrap();
    let lines = run(vec![]).await;
    assert_eq!(lines.last().unwrap(), "a after errored dead retry=false code=None failed=Some(Timeout) output=None");
}

async fn middleware_may_end_the_attempt_itself(database: Database) {
    let queue = database.queue().await;
    let notes = Notes::default();
    let mut handles = Vec::new();
    for name in ["closed", "later", "answered", "broken", "turned", "open"] {
        handles.push(answers::enqueue(200).queue(name).retries(0).on(&queue).await.unwrap());
    }
    drain(worker(&queue, &notes).middleware(Gate)).await;
    let mut states = Vec::new();
    for handle in &handles {
        states.push(handle.status().await.unwrap());
    }
    let words: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    assert_eq!(words, ["dead", "scheduled", "succeeded", "dead", "dead", "succeeded"]);
    assert_eq!(notes.read(), ["job 200", "job 200"], "only the last two ran");
    assert_eq!(handles[2].wait().await.unwrap(), "from the gate");
    let error = async |n: usize| queue.attempts(handles[n].id()).await.unwrap().remove(0);
    assert_eq!(error(0).await.error.unwrap(), "discarded: closed for good");
    let broken = error(3).await;
    assert_eq!(broken.error_kind, Some(ErrorKind::Panic));
    assert!(broken.error.unwrap().ends_with("the gate broke"));
    assert_eq!(error(4).await.error.unwrap(), "discarded: turned down");
}

thread_local! {
    /// What this thread has logged, where that is looked at.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to the log of the thread that logs.
struct OfThread;

impl Write for OfThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines about jobs that a worker writes until its queue is empty.
fn logged_by(builder: WorkerBuilder) -> Vec<String> {
    // One for the process: subscribers of single threads miss events that another thread met first.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false);
        subscriber.without_time().with_writer(|| OfThread).init();
    });
    // The tasks of a current-thread runtime all run on its thread.
    let thread = std::thread::spawn(move || {
        LOGGED.set(Some(Vec::new()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(drain(builder));
        LOGGED.take().unwrap_or_default()
    });
    let text = String::from_utf8(thread.join().expect("the worker's own end")).unwrap();
    text.lines().filter(|line| line.contains("job")).map(str::to_owned).collect()
}

async fn each_attempt_has_one_line_for_its_start_and_one_for_its_end(database: Database) {
    let queue = database.queue().await;
    let notes = Notes::default();
    let jobs = || async {
        answers::enqueue(200).on(&queue).await.unwrap();
        answers::enqueue(404).retries(0).on(&queue).await.unwrap();
    };
    let count = |lines: &[String], text: &str| lines.iter().filter(|line| line.contains(text)).count();
    for (case, builder) in [
        ("none", worker(&queue, &notes)),
        ("another", worker(&queue, &notes).middleware(Gate)),
        ("ours", worker(&queue, &notes).middleware(Logging::new())),
        ("quiet", worker(&queue, &notes).middleware(Logging::new().routine(tracing::Level::DEBUG))),
    ] {
        jobs().await;
        let lines = logged_by(builder);
        assert_eq!((count(&lines, "job started"), count(&lines, "job ended")), (2, 2), "{case}: {lines:#?}");
        assert_eq!(count(&lines, "ERROR"), 1, "{case}: {lines:#?}");
        let routine = if case == "quiet" { "DEBUG" } else { " INFO" };
        let starts = lines.iter().filter(|line| line.contains("job started"));
        assert!(starts.clone().all(|line| line.contains(routine)), "{case}: {lines:#?}");
    }
}

async fn spans_reach_into_the_jobs(database: Database) {
    let queue = database.queue().await;
    says::enqueue("hello".into()).on(&queue).await.unwrap();
    says_plainly::enqueue("hello".into()).on(&queue).await.unwrap();
    let builder = worker(&queue, &Notes::default()).middleware(Tracing::new()).middleware(Logging::new());
    let lines = logged_by(builder);
    let line = |text: &str| lines.iter().find(|line| line.contains(text)).cloned().unwrap_or_default();
    let said = line("async says hello");
    assert!(said.contains(r#"job="says""#) && said.contains("attempt=1"), "{lines:#?}");
    let ended = line("job ended");
    assert!(ended.contains("messaging.destination.name=\"default\""), "{ended}");
}

async fn hooks_are_called_after_the_end_was_recorded(database: Database) {
    let queue = database.queue().await;
    let (notes, asked) = (Notes::default(), queue.clone());
    let dead = answers::enqueue(404).retries(0).on(&queue).await.unwrap();
    let fine = answers::enqueue(200).on(&queue).await.unwrap();
    let cancelled = waits::enqueue().on(&queue).await.unwrap();
    let (heard, also) = (notes.clone(), notes.clone());
    let builder = worker(&queue, &notes)
        .after_dead(move |job| {
            let (heard, asked) = (heard.clone(), asked.clone());
            async move {
                // Slow, so that the stop has to wait for it.
                tokio::time::sleep(Duration::from_millis(100)).await;
                let state = asked.job(job.id).await.unwrap().unwrap().state;
                let code = job.arguments_of::<answers>().unwrap().code;
                heard.write(format!("dead {code} {} {state} {:?}", job.status, job.error));
            }
        })
        .after_dead(|_| async { panic!("a hook broke") })
        .after_cancelled(move |job| {
            also.write(format!("cancelled {}", job.job));
            async {}
        });
    let stop = async {
        until_true("it waits", || async { notes.read().contains(&"waits".to_owned()) }).await;
        cancelled.cancel().await.unwrap();
        let ended = cancelled.wait().await;
        assert!(matches!(ended, Err(WaitError::Ended { state: JobState::Cancelled, .. })), "{ended:?}");
        assert!(dead.wait().await.is_err());
        fine.wait().await.unwrap();
    };
    assert!(builder.run_until(stop).await.unwrap().clean);
    let mut lines: Vec<_> =
        notes.read().into_iter().filter(|line| !line.starts_with("job") && line != "waits").collect();
    lines.sort();
    assert_eq!(lines, ["cancelled waits", r#"dead 404 errored dead Some("code 404")"#]);
}

#[job]
async fn outlives_its_worker(#[inject] notes: Notes, #[inject] count: Arc<AtomicU32>) -> Result<(), BoxError> {
    if count.fetch_add(1, Ordering::SeqCst) == 0 {
        notes.write("held");
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn a_hook_hears_of_lost_jobs(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    let notes = Notes::default();
    let count = Arc::new(AtomicU32::new(0));
    let handle = outlives_its_worker::enqueue().on(&queue).await.unwrap();
    let first = worker(&queue, &notes).state(Arc::clone(&count)).lease(Duration::from_secs(1));
    let first = tokio::spawn(first.run_until(std::future::pending()));
    until_true("it is held", || async { notes.read() == ["held"] }).await;
    // Like a kill: nothing is handed back.
    first.abort();
    let heard = notes.clone();
    let second =
        worker(&queue, &notes).state(Arc::clone(&count)).lease(Duration::from_secs(1)).after_lost(move |job| {
            heard.write(format!("lost {} {} {}", job.attempt, job.status, job.state));
            async {}
        });
    second
        .run_until(async {
            until("it is rescued", || async {
                queue.move_clock(Duration::from_secs(1)).await.unwrap();
                handle.status().await.unwrap().is_final().then_some(())
            })
            .await;
        })
        .await
        .unwrap();
    assert_eq!(notes.read(), ["held", "lost 1 lost ready"]);
    let statuses: Vec<_> = queue.attempts(handle.id()).await.unwrap().iter().map(|one| one.status).collect();
    assert_eq!(statuses, [AttemptStatus::Lost, AttemptStatus::Successful]);
}
