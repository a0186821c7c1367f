//! The rescue of what dead workers held.

use std::sync::Arc;
use std::time::Duration;

use super::backoff::Reconnect;
use super::life::Scenes;
use super::maintenance::Maintenance;
use super::outcome::{Ended, decide};
use crate::error::Result;
use crate::record::{Finish, Run, WorkerId};

/// How many runs one statement rescues at most.
const PIECE: u32 = 500;

impl Maintenance {
    /// Rescues the runs of workers that are seen dead, until the stop.
    ///
    /// Every live worker does it at the same time; each run is fenced, so one of them succeeds.
    pub(super) async fn rescue_until_stopped(self: Arc<Self>, mut scenes: Scenes) {
        let mut pause = Reconnect::new();
        loop {
            tokio::select! {
                changed = scenes.changed() => if changed.is_err() { return },
                () = self.stop.cancelled() => return,
            }
            let dead = scenes.borrow_and_update().dead.clone();
            if dead.is_empty() {
                continue;
            }
            match self.rescue(&dead).await {
                Ok(()) => pause.reset(),
                Err(error) => {
                    tracing::warn!(%error, "could not rescue lost jobs; trying again");
                    tokio::time::sleep(pause.next().min(Duration::from_secs(1))).await;
                }
            }
        }
    }

    async fn rescue(&self, dead: &[WorkerId]) -> Result<()> {
        let mut rescued = 0;
        for &worker in dead {
            for piece in 0.. {
                let runs = self.queue.ask(move |store| async move { store.lost_runs(worker, PIECE).await }).await?;
                let found = runs.len();
                let alone = piece == 0 && found == 1;
                rescued += self.take_back(runs, alone).await?;
                if found < PIECE as usize {
                    break;
                }
            }
            tracing::warn!(%worker, "a worker was found dead");
        }
        if rescued > 0 {
            self.look.notify_one();
            self.queue.wake(Vec::new());
        }
        let dead = dead.to_vec();
        self.queue.ask(move |store| async move { store.forget_workers(dead).await }).await?;
        Ok(())
    }

    /// Ends lost runs, all at once; what the database refuses is tried one by one, so that one must not hold back
    /// the others.
    async fn take_back(&self, runs: Vec<Run>, alone: bool) -> Result<usize> {
        if runs.is_empty() {
            return Ok(0);
        }
        let end = |run: &Run| decide(run, self.config.registry.get(&run.job), Ended::Lost { alone });
        match self.record(runs.iter().map(end).collect()).await {
            Err(error) if !error.is_transient() => {}
            answer => return Ok(self.tell(&runs, &answer?, alone)),
        }
        let mut rescued = 0;
        for run in &runs {
            match self.record(Arc::new([end(run)])).await {
                Ok(recorded) => rescued += self.tell(std::slice::from_ref(run), &recorded, alone),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => tracing::error!(id = %run.id, %error, "a lost job could not be rescued"),
            }
        }
        Ok(rescued)
    }

    async fn record(&self, ends: Arc<[Finish]>) -> Result<Vec<i64>> {
        self.queue.ask(move |store| async move { store.finish(ends).await }).await
    }

    fn tell(&self, runs: &[Run], recorded: &[i64], alone: bool) -> usize {
        for run in runs.iter().filter(|run| recorded.contains(&run.token)) {
            tracing::warn!(id = %run.id, job = %run.job, attempt = run.attempt, "job rescued from a dead worker");
            let end = decide(run, self.config.registry.get(&run.job), Ended::Lost { alone });
            if let Some(job) = self.config.hooks.about(run, &end) {
                self.config.hooks.tell(job);
            }
        }
        recorded.len()
    }
}
