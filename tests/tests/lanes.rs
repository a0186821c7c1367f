//! Queues with slots of their own, and the one order of those that share theirs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plain_worker::{JobState, Worker, WorkerBuilder, job};
use plain_worker_tests::{Database, on_every_store, until_true};
use tokio::sync::Semaphore;

/// What runs in which queue: now, and at most so far; and a gate at which slow jobs wait.
#[derive(Clone)]
struct Track(Arc<Inner>);

struct Inner {
    gauges: Mutex<HashMap<String, Gauge>>,
    order: Mutex<Vec<u32>>,
    gate: Semaphore,
    open: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
struct Gauge {
    now: usize,
    most: usize,
}

impl Track {
    fn new() -> Self {
        let inner = Inner {
            gauges: Mutex::default(),
            order: Mutex::default(),
            gate: Semaphore::new(0),
            open: AtomicUsize::new(0),
        };
        Self(Arc::new(inner))
    }

    fn started(&self, key: &str) {
        let mut gauges = self.0.gauges.lock().unwrap();
        let gauge = gauges.entry(key.to_owned()).or_default();
        gauge.now += 1;
        gauge.most = gauge.most.max(gauge.now);
    }

    fn ended(&self, key: &str) {
        self.0.gauges.lock().unwrap().entry(key.to_owned()).or_default().now -= 1;
    }

    fn gauge(&self, key: &str) -> Gauge {
        self.0.gauges.lock().unwrap().get(key).copied().unwrap_or_default()
    }

    fn open(&self) {
        self.0.open.store(1, Ordering::SeqCst);
        self.0.gate.add_permits(1_000);
    }
}

#[job]
async fn waits_at_the_gate(#[inject] track: Track, key: String) {
    track.started(&key);
    track.0.gate.acquire().await.unwrap().forget();
    track.ended(&key);
}

#[job]
fn waits_at_the_gate_plainly(#[inject] track: Track, key: String) {
    track.started(&key);
    while track.0.open.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    track.ended(&key);
}

#[job]
async fn passes(#[inject] track: Track, n: u32) {
    track.0.order.lock().unwrap().push(n);
}

on_every_store! {
    a_queue_full_of_slow_jobs_takes_no_slot_of_another,
    queues_that_share_their_slots_are_served_in_one_order,
    plain_functions_are_limited_apart_in_each_queue,
    only_the_named_queues_are_served,
}

/// Runs a worker beside `work`.
async fn beside<T>(builder: WorkerBuilder, work: impl Future<Output = T>) -> T {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(builder.run_until(async { stopped.await.unwrap_or_default() }));
    let value = work.await;
    stop.send(()).expect("the worker runs");
    running.await.expect("no panic").expect("a clean end");
    value
}

async fn a_queue_full_of_slow_jobs_takes_no_slot_of_another(database: Database) {
    let queue = database.queue().await;
    let track = Track::new();
    let slow = |name: &'static str| waits_at_the_gate::enqueue(name.to_owned()).queue(name).priority(9);
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(slow("mail").on(&queue).await.unwrap());
        waiting.push(slow("video").on(&queue).await.unwrap());
    }
    let builder = Worker::builder(queue.clone()).state(track.clone()).concurrency(1).queue("mail", 3).queue("video", 2);
    beside(builder, async {
        until_true("both queues are full", || async { track.gauge("mail").now == 3 && track.gauge("video").now == 2 })
            .await;
        for n in 0..5 {
            passes::enqueue(n).on(&queue).await.unwrap().wait().await.unwrap();
        }
        // The shared slot is taken, and the queues with slots of their own go on.
        let shared = waits_at_the_gate::enqueue("default".to_owned()).on(&queue).await.unwrap();
        until_true("the shared slot is taken", || async { track.gauge("default").now == 1 }).await;
        track.open();
        for handle in waiting.into_iter().chain([shared]) {
            handle.wait().await.unwrap();
        }
    })
    .await;
    assert_eq!((track.gauge("mail").most, track.gauge("video").most), (3, 2), "no more than its own slots");
}

async fn queues_that_share_their_slots_are_served_in_one_order(database: Database) {
    let queue = database.queue().await;
    let track = Track::new();
    for n in 0..30u32 {
        let name = ["a", "b", "c"][n as usize % 3];
        let priority = i16::from(n % 10 == 9);
        passes::enqueue(n).queue(name).priority(priority).on(&queue).await.unwrap();
    }
    let builder = Worker::builder(queue.clone()).state(track.clone()).concurrency(1).queue("other", 5);
    builder.drain().run_until(std::future::pending()).await.unwrap();
    let expected: Vec<u32> = [9, 19, 29].into_iter().chain((0..30).filter(|n| n % 10 != 9)).collect();
    assert_eq!(*track.0.order.lock().unwrap(), expected);
}

async fn plain_functions_are_limited_apart_in_each_queue(database: Database) {
    let queue = database.queue().await;
    let track = Track::new();
    let (mut plain, mut asynchronous) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        for name in ["default", "video"] {
            let key = || format!("{name} plain");
            plain.push(waits_at_the_gate_plainly::enqueue(key()).queue(name).on(&queue).await.unwrap());
        }
    }
    for _ in 0..5 {
        asynchronous.push(waits_at_the_gate::enqueue("video".to_owned()).queue("video").on(&queue).await.unwrap());
    }
    let builder = Worker::builder(queue.clone()).state(track.clone()).threads(2).queue("video", 3);
    beside(builder, async {
        until_true("all slots are taken", || async {
            let video = track.gauge("video").now + track.gauge("video plain").now;
            track.gauge("default plain").now == 2 && video == 3
        })
        .await;
        track.open();
        for handle in plain {
            handle.wait().await.unwrap();
        }
        for handle in asynchronous {
            handle.wait().await.unwrap();
        }
    })
    .await;
    assert_eq!(track.gauge("default plain").most, 2);
    assert!(track.gauge("video plain").most <= 2);
    assert!(track.gauge("video").most <= 3);
}

async fn only_the_named_queues_are_served(database: Database) {
    let queue = database.queue().await;
    let mut ids = HashMap::new();
    for name in ["a", "b", "c"] {
        ids.insert(name, passes::enqueue(1).queue(name).on(&queue).await.unwrap().id());
    }
    let builder = || Worker::builder(queue.clone()).state(Track::new()).drain();
    let left = async || {
        let mut left = Vec::new();
        for name in ["a", "b", "c"] {
            if queue.job(ids[name]).await.unwrap().unwrap().state == JobState::Ready {
                left.push(name);
            }
        }
        left
    };
    let never = std::future::pending;
    builder().queues(["a"]).queue("b", 1).run_until(never()).await.unwrap();
    assert_eq!(left().await, ["c"]);
    builder().queues(["x", "*"]).queue("c", 1).run_until(never()).await.unwrap();
    assert_eq!(left().await, [] as [&str; 0]);
}
