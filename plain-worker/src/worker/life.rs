//! How a worker shows that it lives, on a thread of its own, which no job can starve; and what it sees of the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::backoff::Reconnect;
use super::config::Config;
use super::running::Running;
use super::verdict::{PERIOD, Scene, Watch, patience};
use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::record::Pulse;
use crate::status::CancelReason;
use crate::store::Life;

/// How long one heartbeat may take, the connection among it.
const BEAT_LIMIT: Duration = Duration::from_secs(10);
/// How long the sign-off may take.
const LEAVE_LIMIT: Duration = Duration::from_millis(200);
/// The longest wait after a heartbeat that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is seen of the other workers; changes with every look.
pub(super) type Scenes = watch::Receiver<Scene>;

/// The life of a worker: its thread, and what that tells.
pub(super) struct Alive {
    pub(super) scenes: Scenes,
    /// Stops it.
    pub(super) stop: CancellationToken,
    /// Ends when the worker has signed off.
    pub(super) over: oneshot::Receiver<()>,
}

/// Shows that the worker lives until it is stopped, and for as long as jobs run that nothing can stop.
///
/// The thread has a runtime and a connection of its own: jobs that keep every
/// thread of the worker busy do not stop it, so nobody takes them away.
///
/// # Errors
/// When the first heartbeat fails, or the system gives no thread.
pub(super) async fn begin(queue: &Queue, config: &Arc<Config>, running: Arc<Running>) -> Result<Alive> {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let cannot =
        |error: std::io::Error| Error::Worker(format!("no thread could be started for the heartbeat: {error}"));
    let life = queue.store().life(config.row(), config.direct_database_url.as_deref())?;
    let (told, scenes) = watch::channel(Scene::default());
    let (begun, first) = oneshot::channel();
    let (ended, over) = oneshot::channel();
    let config = Arc::clone(config);
    std::thread::Builder::new()
        .name("plain-worker life".to_owned())
        .spawn(move || {
            // Made here, and not dropped where others run asynchronously, which must not block.
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(begun.send(Err(cannot(error)))),
            };
            let keeper = Keeper { life, config, running, told, cut_off: false, last: Instant::now() };
            runtime.block_on(keeper.live(begun, stopped));
            // Nobody waits for it where the worker was dropped.
            let _ = ended.send(());
        })
        .map_err(cannot)?;
    first.await.map_err(|_| Error::Worker("its heartbeat ended at once".to_owned()))??;
    Ok(Alive { scenes, stop, over })
}

struct Keeper {
    life: Box<dyn Life>,
    config: Arc<Config>,
    running: Arc<Running>,
    told: watch::Sender<Scene>,
    /// Whether the jobs were given up.
    cut_off: bool,
    /// Just before the latest heartbeat that was answered.
    last: Instant,
}

impl Keeper {
    async fn live(mut self, begun: oneshot::Sender<Result<()>>, stop: CancellationToken) {
        let first = timeout(BEAT_LIMIT, self.life.beat()).await;
        let first =
            first.unwrap_or_else(|late| Err(Error::Unavailable { doing: "sign on", source: late.into() })).map(drop);
        let failed = first.is_err();
        // Whoever started it was dropped, if this is not heard.
        let _ = begun.send(first);
        if failed {
            return;
        }
        self.last = Instant::now();
        let mut watch = Watch::default();
        let mut pause = Reconnect::quick();
        let mut wait = Duration::ZERO;
        loop {
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => break,
            }
            wait = self.look(&mut watch, &mut pause).await;
        }
        // What cannot be stopped still runs here, and must not be started elsewhere.
        while !self.running.working.is_empty() {
            sleep(wait.min(PERIOD)).await;
            wait = self.look(&mut watch, &mut pause).await;
        }
        if !matches!(timeout(LEAVE_LIMIT, self.life.leave()).await, Ok(Ok(()))) {
            tracing::debug!(worker = %self.config.id, "could not sign off; other workers will notice");
        }
    }

    /// Shows a sign of life, looks at the others, and says how long to wait until the next.
    async fn look(&mut self, watch: &mut Watch, pause: &mut Reconnect) -> Duration {
        let asked = Instant::now();
        match self.beat().await {
            Ok(pulse) => {
                pause.reset();
                self.last = asked;
                if std::mem::take(&mut self.cut_off) {
                    tracing::info!(worker = %self.config.id, "the database is back; the worker goes on");
                }
                self.running.cut_off(false);
                if pulse.forgotten {
                    tracing::warn!(
                        worker = %self.config.id,
                        "other workers took this one for dead: it looks what was taken over, and goes on"
                    );
                    self.running.doubt.notify_one();
                }
                let scene = watch.look(&pulse, Instant::now());
                let next = scene.next.map_or(PERIOD, |next| (next + Duration::from_millis(5)).min(PERIOD));
                self.told.send_replace(scene);
                next
            }
            Err(error) => {
                tracing::warn!(%error, worker = %self.config.id, "the heartbeat could not be renewed");
                if self.late_at().is_some_and(|late| Instant::now() >= late) {
                    give_up(&self.config, &self.running, &mut self.cut_off);
                }
                pause.next().min(LONGEST_PAUSE)
            }
        }
    }

    /// One heartbeat; gives up the jobs when it takes too long.
    async fn beat(&mut self) -> Result<Pulse> {
        let late = self.late_at();
        let Self { life, config, running, cut_off, .. } = self;
        let mut beat = std::pin::pin!(timeout(BEAT_LIMIT, life.beat()));
        let in_time = match late.filter(|_| !*cut_off) {
            Some(late) => tokio::select! {
                answer = &mut beat => Some(answer),
                () = sleep_until(late.into()) => None,
            },
            None => None,
        };
        let answer = match in_time {
            Some(answer) => answer,
            None => {
                if late.is_some() {
                    give_up(config, running, cut_off);
                }
                beat.await
            }
        };
        answer.unwrap_or_else(|late| Err(Error::Unavailable { doing: "renew the heartbeat", source: late.into() }))
    }

    /// Until when the jobs are kept, if no heartbeat is answered.
    fn late_at(&self) -> Option<Instant> {
        patience(self.life.standing(), self.config.lease).map(|patience| self.last + patience)
    }
}

/// Tells all jobs to stop, and claims none, until the database is back.
fn give_up(config: &Config, running: &Running, cut_off: &mut bool) {
    if std::mem::replace(cut_off, true) {
        return;
    }
    running.cut_off(true);
    tracing::warn!(
        worker = %config.id, running = running.tokens().len(),
        "the database has not been reached for too long: running jobs are told to stop, since others may start them"
    );
    running.cancel_all(CancelReason::CutOff);
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
