use std::time::Duration;

use sqlx::Row;

use super::rows::each;
use super::{PostgresStore, giving_way, safe};
use crate::error::{Error, Result};
use crate::record::{LiveWorker, ParkedRow, Promoted, Run, StoredRow, WorkerId};

impl PostgresStore {
    pub(super) async fn workers_within_lease(&self) -> Result<Vec<LiveWorker>> {
        let fault = self.fault("look for workers");
        let rows = sqlx::query(safe(&self.sql.live_workers)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "workers", |row| {
            let wrong = |error: serde_json::Error| Error::Row { table: "workers", reason: error.to_string() };
            Ok(LiveWorker {
                id: row.get("id")?,
                queues: serde_json::from_str(row.get("queues")?).map_err(wrong)?,
                schedules: serde_json::from_str(row.get("schedules")?).map_err(wrong)?,
                started_at: row.get("started_at")?,
                knows: serde_json::from_str(row.get("knows")?).map_err(wrong)?,
            })
        })
    }

    pub(super) async fn runs_of(&self, worker: WorkerId, limit: u32) -> Result<Vec<Run>> {
        let fault = self.fault("look for lost jobs");
        let rows = sqlx::query(safe(&self.sql.lost_runs))
            .bind(worker)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        each(&rows, "job_processes", |row| row.run())
    }

    pub(super) async fn remove_workers(&self, workers: Vec<WorkerId>) -> Result<u64> {
        sqlx::query(safe(&self.sql.forget_workers))
            .bind(workers)
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected())
            .map_err(self.fault("forget dead workers"))
    }

    /// In how many microseconds the next scheduled request is due.
    async fn next_due(&self, count: u64, idle: bool) -> Result<Promoted> {
        let fault = self.fault("look for due jobs");
        let row = sqlx::query(safe(&self.sql.next_due)).bind(idle).fetch_one(&self.pool).await.map_err(&fault)?;
        let next: Option<i64> = row.try_get(0).map_err(&fault)?;
        let next_in = next.map(|next| Duration::from_micros(u64::try_from(next).unwrap_or_default()));
        let (expired, ready) = (row.try_get(1).map_err(&fault)?, row.try_get(2).map_err(&fault)?);
        Ok(Promoted { count, next_in, expired, ready })
    }

    pub(super) async fn promote_due(&self, limit: u32, idle: bool) -> Result<Promoted> {
        let mut promoted = self.next_due(0, idle).await?;
        if promoted.next_in == Some(Duration::ZERO) {
            let count = giving_way!(self, self.promote_once(limit))?;
            promoted = self.next_due(count, idle).await?;
        }
        Ok(promoted)
    }

    async fn promote_once(&self, limit: u32) -> Result<u64> {
        let mut alone = self.alone("make due jobs ready").await?;
        let done = sqlx::query(safe(&self.sql.promote))
            .bind(i64::from(limit))
            .execute(alone.connection())
            .await
            .map_err(self.fault("make due jobs ready"))?;
        alone.done(self).await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn expire_waiting(&self, limit: u32) -> Result<u64> {
        giving_way!(self, self.expire_once(limit))
    }

    async fn expire_once(&self, limit: u32) -> Result<u64> {
        let mut alone = self.alone("end expired jobs").await?;
        let done = sqlx::query(safe(&self.sql.expire_results))
            .bind(i64::from(limit))
            .execute(alone.connection())
            .await
            .map_err(self.fault("end expired jobs"))?;
        alone.done(self).await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn parked_of(&self, jobs: Vec<String>, after: i64, limit: u32) -> Result<Vec<ParkedRow>> {
        let fault = self.fault("look at parked jobs");
        let rows = sqlx::query(safe(&self.sql.parked))
            .bind(jobs)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        each(&rows, "job_requests", |row| {
            Ok(ParkedRow {
                seq: row.get("seq")?,
                job: row.get("job")?,
                shape: row.get("shape")?,
                arguments: row.get("arguments")?,
            })
        })
    }

    pub(super) async fn stored_requests(&self, after: i64, limit: u32) -> Result<Vec<StoredRow>> {
        let fault = self.fault("look at stored jobs");
        let rows = sqlx::query(safe(&self.sql.requests))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        each(&rows, "job_requests", |row| {
            Ok(StoredRow {
                seq: row.get("seq")?,
                id: row.id("id")?,
                job: row.get("job")?,
                arguments: row.get("arguments")?,
            })
        })
    }

    pub(super) async fn unpark_these(&self, seqs: Vec<i64>) -> Result<u64> {
        giving_way!(self, self.unpark_once(&seqs))
    }

    async fn unpark_once(&self, seqs: &[i64]) -> Result<u64> {
        let mut alone = self.alone("take jobs out of the park").await?;
        let done = sqlx::query(safe(&self.sql.unpark))
            .bind(seqs)
            .execute(alone.connection())
            .await
            .map_err(self.fault("take jobs out of the park"))?;
        alone.done(self).await?;
        Ok(done.rows_affected())
    }
}
