//! The line of figures that a worker writes to its log every so often.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::report::Tally;
use super::running::Running;

/// Writes what was done since the last line, while there is something to tell: an idle worker is silent.
pub(super) async fn tell_until_stopped(
    every: Duration,
    tally: Arc<Tally>,
    running: Arc<Running>,
    stop: CancellationToken,
) {
    let mut rounds = interval(every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first comes at once.
    rounds.tick().await;
    let mut before = tally.report(true);
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            () = stop.cancelled() => return,
        }
        let (now, running) = (tally.report(true), running.tokens().len());
        if now == before && running == 0 {
            continue;
        }
        tracing::info!(
            ?every,
            running,
            succeeded = now.succeeded - before.succeeded,
            retrying = now.retrying - before.retrying,
            dead = now.dead - before.dead,
            other = now.other - before.other,
            succeeded_since_start = now.succeeded,
            "worker figures"
        );
        before = now;
    }
}
