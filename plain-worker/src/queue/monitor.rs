//! The read side of a queue: workers, depths, rates, the audit, and why a job waits.

use std::time::Duration;

use super::Queue;
use crate::error::Result;
use crate::monitor::{
    AuditRow, Depth, Facts, FailureGroup, Figures, Rate, RateQuery, RunPoint, WorkerView, explain, exposition, grouped,
};
use crate::record::{JobFilter, JobRow};

impl Queue {
    /// The workers that have a row: those that live, and dead ones that still hold jobs.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn workers(&self) -> Result<Vec<WorkerView>> {
        self.ask(|store| async move { store.workers().await }).await
    }

    /// How many jobs wait and run in each queue; no count is higher than [`Depth::BOUND`].
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn depths(&self) -> Result<Vec<Depth>> {
        self.ask(|store| async move { store.depths().await }).await
    }

    /// What ended, how long it waited and ran: sums that the workers make every ten seconds from the results.
    ///
    /// Minutes are kept for 25 hours, hours for 35 days. What was recorded in a
    /// transaction of your own that was open for more than five seconds is not in them.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn rates(&self, query: RateQuery) -> Result<Vec<Rate>> {
        self.ask(move |store| async move { store.rates(query).await }).await
    }

    /// When jobs ran or will run, without what is inside of them: for a picture of many.
    ///
    /// # Errors
    /// [`Error::TooLong`](crate::Error::TooLong) when the search takes longer than [`JobFilter::within`].
    pub async fn points(&self, filter: JobFilter, limit: u32) -> Result<Vec<RunPoint>> {
        self.ask(move |store| async move { store.points(filter, limit).await }).await
    }

    /// How a job has failed within a week, errors that differ in numbers only together; of the newest 5,000 attempts.
    /// `None` when they could not be found in two seconds.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn failure_groups(&self, job: &str) -> Result<Option<Vec<FailureGroup>>> {
        const MOST: u32 = 5_000;
        let job = job.to_owned();
        let found = self.ask(move |store| async move { store.failures(job, MOST).await }).await?;
        let now = self.now().await?;
        Ok(found.map(|failures| grouped(&failures, now)))
    }

    /// All figures in Prometheus' text format, as the dashboard serves them at `/metrics`; what each is stands in
    /// `docs/metrics.md`.
    ///
    /// They come from the database, so that every process says the same, but for the errors that this process met.
    ///
    /// ```no_run
    /// # async fn example(queue: plain_worker::Queue, own: String) -> plain_worker::Result<String> {
    /// Ok(own + &queue.metrics().await?)
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn metrics(&self) -> Result<String> {
        let (depths, workers, pauses) = (self.depths().await?, self.workers().await?, self.pauses().await?);
        let totals = self.ask(|store| async move { store.totals().await }).await?;
        let (schedules, now) = (self.schedules().list().await?, self.now().await?);
        Ok(exposition(&Figures {
            now,
            depths: &depths,
            workers: &workers,
            totals: &totals,
            schedules: &schedules,
            pauses: &pauses,
            faults: &self.0.faults.counts(),
        }))
    }

    /// Who changed what, newest first; the next page begins before the last `seq` of this one.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
        self.ask(move |store| async move { store.audits(before, limit).await }).await
    }

    /// Notes a change that a person made, for [`audit`](Self::audit).
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn note_change(&self, actor: &str, action: &str, target: &str, count: u64) -> Result<()> {
        self.note_more(actor, action, target, count, None).await.map(drop)
    }

    /// As [`note_change`](Self::note_change), for a part of a change; `noted` is what the part before answered.
    pub(super) async fn note_more(
        &self,
        actor: &str,
        action: &str,
        target: &str,
        count: u64,
        noted: Option<i64>,
    ) -> Result<Option<i64>> {
        let [actor, action, target] = [actor, action, target].map(|text| text.replace('\0', "\u{fffd}"));
        self.ask(move |store| async move { store.note_change((actor, action), target, count, noted).await }).await
    }

    /// Why a job waits, as a sentence with the facts; `None` for one that does not wait.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn why(&self, job: &JobRow) -> Result<Option<String>> {
        if job.state.is_final() {
            return Ok(None);
        }
        let id = job.id;
        let ahead = if job.state == crate::JobState::Ready {
            self.ask(move |store| async move { store.ahead(id).await }).await?
        } else {
            None
        };
        let (workers, pauses, now) = (self.workers().await?, self.pauses().await?, self.now().await?);
        Ok(explain(&Facts { job, workers: &workers, pauses: &pauses, ahead, now }))
    }

    /// Sums up what ended since the last time, a piece at a time. `false`: there is nothing more to sum up now.
    pub(crate) async fn roll_up(&self) -> Result<bool> {
        self.ask(|store| async move { store.roll_up().await }).await
    }

    /// Whether the database answers, and how long it took: for health checks.
    ///
    /// # Errors
    /// When it does not, or its tables are not those that this program needs.
    pub async fn ping(&self) -> Result<Duration> {
        let start = std::time::Instant::now();
        self.workers().await?;
        Ok(start.elapsed())
    }
}
