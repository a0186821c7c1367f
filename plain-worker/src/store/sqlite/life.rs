use std::time::Duration;

use sqlx::Row;

use super::hold::Locks;
use super::rows::each;
use super::{SqliteStore, json, runs, safe};
use crate::error::{Error, Result};
use crate::record::{LiveWorker, ParkedRow, Promoted, Run, StoredRow, WorkerId};

impl SqliteStore {
    pub(super) async fn workers_within_lease(&self) -> Result<Vec<LiveWorker>> {
        let fault = self.fault("look for workers");
        let rows = sqlx::query(safe(&self.sql.live_workers)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "workers", |row| {
            let wrong = |error: serde_json::Error| Error::Row { table: "workers", reason: error.to_string() };
            Ok(LiveWorker {
                id: row.word("id")?,
                queues: serde_json::from_str(&row.get::<String>("queues")?).map_err(wrong)?,
                schedules: serde_json::from_str(&row.get::<String>("schedules")?).map_err(wrong)?,
                started_at: row.instant("started_at")?,
                knows: serde_json::from_str(&row.get::<String>("knows")?).map_err(wrong)?,
            })
        })
    }

    pub(super) async fn runs_of(&self, worker: WorkerId, limit: u32) -> Result<Vec<Run>> {
        let fault = self.fault("look for lost jobs");
        let rows = sqlx::query(safe(&self.sql.lost_runs))
            .bind(worker.to_string())
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        let (runs, unreadable) = runs::read(&rows)?;
        for row in unreadable {
            tracing::error!(seq = row.seq, reason = %row.reason, "a run that a worker holds cannot be read");
        }
        Ok(runs.into_iter().map(|one| one.run).collect())
    }

    pub(super) async fn remove_workers(&self, workers: Vec<WorkerId>) -> Result<u64> {
        let mut write = self.write("forget dead workers").await?;
        let done = sqlx::query(safe(&self.sql.forget_workers))
            .bind(json(&workers))
            .execute(&mut *write.tx)
            .await
            .map_err(self.fault("forget dead workers"))?;
        write.commit(self).await?;
        if let Some(locks) = Locks::beside(self) {
            for worker in workers {
                locks.remove(worker);
            }
        }
        Ok(done.rows_affected())
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
            let mut write = self.write("make due jobs ready").await?;
            let done = sqlx::query(safe(&self.sql.promote))
                .bind(limit)
                .execute(&mut *write.tx)
                .await
                .map_err(self.fault("make due jobs ready"))?;
            write.commit(self).await?;
            promoted = self.next_due(done.rows_affected(), idle).await?;
        }
        Ok(promoted)
    }

    pub(super) async fn expire_waiting(&self, limit: u32) -> Result<u64> {
        let fault = self.fault("end expired jobs");
        let mut write = self.write("end expired jobs").await?;
        let rows =
            sqlx::query(safe(&self.sql.expire_results)).bind(limit).fetch_all(&mut *write.tx).await.map_err(&fault)?;
        self.let_go(&mut write, &rows).await?;
        write.commit(self).await?;
        Ok(rows.len() as u64)
    }

    pub(super) async fn parked_of(&self, jobs: Vec<String>, after: i64, limit: u32) -> Result<Vec<ParkedRow>> {
        let fault = self.fault("look at parked jobs");
        let rows = sqlx::query(safe(&self.sql.parked))
            .bind(json(&jobs))
            .bind(after)
            .bind(limit)
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
        let rows =
            sqlx::query(safe(&self.sql.requests)).bind(after).bind(limit).fetch_all(&self.pool).await.map_err(fault)?;
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
        let mut write = self.write("take jobs out of the park").await?;
        let done = sqlx::query(safe(&self.sql.unpark))
            .bind(json(&seqs))
            .execute(&mut *write.tx)
            .await
            .map_err(self.fault("take jobs out of the park"))?;
        write.commit(self).await?;
        Ok(done.rows_affected())
    }
}
