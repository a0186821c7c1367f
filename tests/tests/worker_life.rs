//! A worker inside a program: its start, its end, its drop, and what cannot be stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use plain_worker::{AttemptStatus, Context, Error, JobId, JobState, Queue, Worker, WorkerBuilder, WorkerReport, job};
use plain_worker_tests::{Database, on_every_store, until_true};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What jobs show the test, and what makes them end.
#[derive(Clone, Default)]
struct Stage {
    started: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    /// Lets those end that nothing can stop.
    over: Arc<AtomicBool>,
}

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Lets all of them end with the test, also when it fails: the runtime waits for what never yields.
struct Over(Arc<AtomicBool>);

impl Stage {
    fn over_with_the_test(&self) -> Over {
        Over(Arc::clone(&self.over))
    }
}

/// What only some of the workers here are given.
#[derive(Clone)]
struct Extra;

/// Runs until the test lets it, whatever it is told.
#[job]
fn cannot_be_stopped(#[inject] stage: Stage) {
    stage.started.fetch_add(1, Ordering::SeqCst);
    while !stage.over.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    stage.ended.fetch_add(1, Ordering::SeqCst);
}

/// The same on the runtime: it never yields.
#[job]
async fn never_yields(#[inject] stage: Stage) {
    stage.started.fetch_add(1, Ordering::SeqCst);
    while !stage.over.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    stage.ended.fetch_add(1, Ordering::SeqCst);
}

#[job]
async fn waits_for_ever(#[inject] stage: Stage) {
    stage.started.fetch_add(1, Ordering::SeqCst);
    std::future::pending::<()>().await;
}

#[job]
async fn listens(#[inject] ctx: Context, #[inject] stage: Stage) {
    stage.started.fetch_add(1, Ordering::SeqCst);
    ctx.cancelled().await;
    stage.ended.fetch_add(1, Ordering::SeqCst);
}

#[job]
async fn counts(#[inject] stage: Stage) {
    stage.started.fetch_add(1, Ordering::SeqCst);
}

#[job(retries = 1, backoff = fixed("1ms"))]
async fn fails_once(#[inject] ctx: Context) -> Result<(), String> {
    if ctx.attempt() == 1 { Err("not yet".to_owned()) } else { Ok(()) }
}

#[job]
async fn needs_extra(#[inject] _extra: Extra) {}

fn bare(queue: &Queue, stage: &Stage) -> WorkerBuilder {
    Worker::builder(queue.clone()).state(stage.clone()).grace(Duration::from_millis(300))
}

fn worker(queue: &Queue, stage: &Stage) -> WorkerBuilder {
    bare(queue, stage).state(Extra)
}

/// A worker that runs beside the test.
struct Beside {
    stop: oneshot::Sender<()>,
    running: JoinHandle<plain_worker::Result<WorkerReport>>,
}

fn start(builder: WorkerBuilder) -> Beside {
    let (stop, stopped) = oneshot::channel::<()>();
    Beside { stop, running: tokio::spawn(builder.run_until(async { stopped.await.unwrap_or_default() })) }
}

impl Beside {
    /// Stops it and gives its report.
    async fn stopped(self) -> WorkerReport {
        self.stop.send(()).expect("the worker runs");
        self.running.await.expect("no panic").expect("a worker")
    }
}

async fn state(queue: &Queue, id: JobId) -> JobState {
    queue.job(id).await.unwrap().expect("a job that was enqueued exists").state
}

async fn statuses(queue: &Queue, id: JobId) -> Vec<AttemptStatus> {
    queue.attempts(id).await.unwrap().iter().map(|one| one.status).collect()
}

async fn started(stage: &Stage, count: usize) {
    until_true("the jobs run", || async { stage.started.load(Ordering::SeqCst) >= count }).await;
}

on_every_store! {
    a_missing_state_is_told_at_the_start,
    it_returns_soon_after_the_grace_period,
    what_cannot_be_stopped_stays_with_its_worker,
    what_cannot_be_stopped_goes_back_where_the_process_ends,
    a_dropped_worker_is_like_a_killed_one,
    a_job_that_never_yields_stalls_nobody_else,
    a_short_retry_starts_soon,
    ten_workers_start_at_once_on_an_empty_database,
    a_drain_waits_for_what_a_dead_worker_holds,
}

async fn a_missing_state_is_told_at_the_start(database: Database) {
    let queue = database.queue().await;
    let error = bare(&queue, &Stage::default()).run_until(std::future::pending()).await.unwrap_err();
    let Error::Worker(text) = &error else { panic!("{error}") };
    assert!(text.contains("`needs_extra`") && text.contains("worker_life.rs:"), "{text}");
    assert!(text.contains("Extra"), "{text}");
    // What runs no job needs none.
    assert!(queue.stats(plain_worker::JobFilter::new()).await.unwrap().is_empty());
}

async fn it_returns_soon_after_the_grace_period(database: Database) {
    let queue = database.queue().await;
    let stage = Stage::default();
    let _over = stage.over_with_the_test();
    let deaf = waits_for_ever::enqueue().on(&queue).await.unwrap().id();
    let polite = listens::enqueue().on(&queue).await.unwrap().id();
    let beside = start(worker(&queue, &stage));
    started(&stage, 2).await;
    let report = beside.stopped().await;
    assert!(report.clean, "{report:?}");
    assert_eq!((report.succeeded, report.handed_back), (1, 1), "{report:?}");
    assert_eq!(state(&queue, polite).await, JobState::Succeeded);
    let row = queue.job(deaf).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempt, row.losses), (JobState::Ready, 0, 0));
    assert_eq!(statuses(&queue, deaf).await, [AttemptStatus::HandedBack]);
    assert_eq!(database.number("SELECT count(*) FROM {}workers").await, 0, "it has signed off");
}

async fn what_cannot_be_stopped_stays_with_its_worker(database: Database) {
    let queue = database.queue().await;
    let stage = Stage::default();
    let _over = stage.over_with_the_test();
    let thread = cannot_be_stopped::enqueue().on(&queue).await.unwrap().id();
    let task = never_yields::enqueue().on(&queue).await.unwrap().id();
    let first = start(worker(&queue, &stage).own_runtime(1));
    started(&stage, 2).await;
    let report = first.stopped().await;
    assert!(!report.clean, "{report:?}");
    // Handed back they would run twice at once. Another worker leaves them alone for as long as they go on.
    let second = start(worker(&queue, &stage));
    let next = counts::enqueue().on(&queue).await.unwrap().id();
    until_true("the second worker works", || async { state(&queue, next).await == JobState::Succeeded }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for id in [thread, task] {
        assert_eq!(state(&queue, id).await, JobState::Running);
        assert!(statuses(&queue, id).await.is_empty());
    }
    stage.over.store(true, Ordering::SeqCst);
    for id in [thread, task] {
        until_true("it has ended", || async { state(&queue, id).await == JobState::Succeeded }).await;
    }
    assert_eq!(stage.ended.load(Ordering::SeqCst) - 2, 0, "each ran once, or again after its first end");
    second.stopped().await;
}

async fn what_cannot_be_stopped_goes_back_where_the_process_ends(database: Database) {
    let queue = database.queue().await;
    let stage = Stage::default();
    let _over = stage.over_with_the_test();
    let id = cannot_be_stopped::enqueue().on(&queue).await.unwrap().id();
    let beside = start(worker(&queue, &stage).process_ends(true));
    started(&stage, 1).await;
    let report = beside.stopped().await;
    assert!(report.clean, "{report:?}");
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::HandedBack]);
    assert_eq!(state(&queue, id).await, JobState::Ready);
    stage.over.store(true, Ordering::SeqCst);
}

async fn a_dropped_worker_is_like_a_killed_one(database: Database) {
    let queue = database.queue().await;
    let stage = Stage::default();
    let _over = stage.over_with_the_test();
    let id = waits_for_ever::enqueue().on(&queue).await.unwrap().id();
    let beside = start(worker(&queue, &stage));
    started(&stage, 1).await;
    beside.running.abort();
    assert!(beside.running.await.is_err());
    // Its job is rescued by another, and the program goes on.
    let second = start(worker(&queue, &stage));
    started(&stage, 2).await;
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost]);
    second.stopped().await;
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost, AttemptStatus::HandedBack]);
}

async fn a_job_that_never_yields_stalls_nobody_else(database: Database) {
    let queue = database.queue().await;
    let stage = Stage::default();
    let _over = stage.over_with_the_test();
    let stuck = never_yields::enqueue().on(&queue).await.unwrap().id();
    let beside = start(worker(&queue, &stage).own_runtime(2).lease(Duration::from_secs(1)));
    started(&stage, 1).await;
    for _ in 0..20 {
        counts::enqueue().on(&queue).await.unwrap();
    }
    started(&stage, 21).await;
    // Longer than the lease: its worker lives, so nobody takes it away.
    let since = Instant::now();
    until_true("some time has gone by", || async { since.elapsed() > Duration::from_secs(4) }).await;
    assert_eq!(state(&queue, stuck).await, JobState::Running);
    stage.over.store(true, Ordering::SeqCst);
    until_true("it has ended", || async { state(&queue, stuck).await == JobState::Succeeded }).await;
    assert_eq!(statuses(&queue, stuck).await, [AttemptStatus::Successful]);
    beside.stopped().await;
}

async fn a_short_retry_starts_soon(database: Database) {
    let queue = database.queue().await;
    let beside = start(worker(&queue, &Stage::default()));
    let mut handles = Vec::new();
    for _ in 0..10 {
        handles.push(fails_once::enqueue().on(&queue).await.unwrap());
    }
    for handle in handles {
        handle.wait_for(plain_worker_tests::PATIENCE).await.unwrap();
    }
    beside.stopped().await;
}

async fn ten_workers_start_at_once_on_an_empty_database(database: Database) {
    let stage = Stage::default();
    let _over = stage.over_with_the_test();
    let starting = (0..10).map(|_| async {
        let queue = database.queue().await;
        (start(worker(&queue, &stage).concurrency(2)), queue)
    });
    let mut crew = Vec::new();
    for (one, queue) in futures(starting).await {
        crew.push((one, queue));
    }
    let queue = &crew[0].1;
    counts::enqueue_all((0..100).map(|_| counts {})).on(queue).await.unwrap();
    started(&stage, 100).await;
    let mut succeeded = 0;
    for (one, _) in crew {
        succeeded += one.stopped().await.succeeded;
    }
    assert_eq!((succeeded, stage.started.load(Ordering::SeqCst)), (100, 100));
}

/// All at the same time.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|cx| {
        for (one, value) in &mut all {
            if value.is_none()
                && let std::task::Poll::Ready(ready) = one.as_mut().poll(cx)
            {
                *value = Some(ready);
            }
        }
        if all.iter().all(|(_, value)| value.is_some()) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, value)| value).collect()
}

async fn a_drain_waits_for_what_a_dead_worker_holds(database: Database) {
    let queue = database.queue().await;
    let stage = Stage::default();
    let _over = stage.over_with_the_test();
    let id = waits_for_ever::enqueue().on(&queue).await.unwrap().id();
    let beside = start(worker(&queue, &stage));
    started(&stage, 1).await;
    beside.running.abort();
    let draining = tokio::spawn(worker(&queue, &stage).drain().run_until(std::future::pending()));
    started(&stage, 2).await;
    queue.cancel(id).await.unwrap();
    let report = draining.await.expect("no panic").expect("a worker");
    assert_eq!(report.other, 1, "{report:?}");
    assert_eq!(statuses(&queue, id).await, [AttemptStatus::Lost, AttemptStatus::Cancelled]);
}
