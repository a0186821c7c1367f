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
