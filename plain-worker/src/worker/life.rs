//! The heartbeat: a thread of its own, which no job can starve.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::backoff::Reconnect;
use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::record::WorkerRow;

/// Renews the worker's row every fifth of its lease, until `stop`.
///
/// The thread has a runtime and a connection of its own: jobs that keep every
/// thread of the worker busy do not stop it, so nobody takes them away.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn keep_alive(queue: Queue, worker: WorkerRow, stop: CancellationToken) -> Result<()> {
    let cannot =
        |error: std::io::Error| Error::Worker(format!("no thread could be started for the heartbeat: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    std::thread::Builder::new()
        .name("plain-worker heartbeat".to_owned())
        .spawn(move || runtime.block_on(beat_until(&queue, &worker, &stop)))
        .map_err(cannot)?;
    Ok(())
}

async fn beat_until(queue: &Queue, worker: &WorkerRow, stop: &CancellationToken) {
    let separate = queue.store().separate();
    let period = worker.lease / 5;
    let mut pause = Reconnect::new();
    loop {
        let row = worker.clone();
        let beat = match &separate {
            // The future belongs to this thread alone and is bounded by the statement limit of the connection.
            Some(store) => within(period * 2, store.beat(row)).await,
            None => queue.ask(move |store| async move { store.beat(row).await }).await,
        };
        let wait = match beat {
            Ok(()) => {
                pause.reset();
                period
            }
            Err(error) => {
                tracing::warn!(%error, worker = %worker.id, "the heartbeat could not be renewed");
                pause.next().min(period)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
    if let Some(store) = separate {
        store.close().await;
    }
}

/// A beat that hangs is a beat that failed.
async fn within(limit: Duration, beat: impl Future<Output = Result<()>>) -> Result<()> {
    match tokio::time::timeout(limit.max(Duration::from_millis(500)), beat).await {
        Ok(answer) => answer,
        Err(late) => Err(Error::Unavailable { doing: "renew the heartbeat", source: late.into() }),
    }
}

/// The name of this machine.
pub(super) fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
