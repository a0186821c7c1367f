//! The jobs that are measured.

use std::sync::Mutex;
use std::time::Instant;

use plain_worker::job;

/// Does nothing.
#[job]
pub async fn nothing(n: u64) {
    std::hint::black_box(n);
}

/// Who waits for the first line of a probe.
pub static STARTED: Mutex<Option<tokio::sync::oneshot::Sender<Instant>>> = Mutex::new(None);

/// Says when its first line ran.
#[job]
pub async fn probe(n: u64) {
    let now = Instant::now();
    std::hint::black_box(n);
    if let Some(started) = STARTED.lock().ok().and_then(|mut waiting| waiting.take()) {
        // Nobody listens any more when the run was broken off.
        let _ = started.send(now);
    }
}

/// Waits as a call to another server does.
#[job]
pub async fn rest() {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}

/// Keeps a core busy for about ten milliseconds.
#[job]
pub fn spin() {
    churn();
}

/// The work of `spin`.
pub fn churn() {
    let mut value = std::hint::black_box(1_u64);
    for _ in 0..60_000_000_u32 {
        value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    std::hint::black_box(value);
}
