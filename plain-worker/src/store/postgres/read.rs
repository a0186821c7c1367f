use super::rows::{Reader, each};
use super::{PostgresStore, filtered, safe, uuids};
use crate::error::Result;
use crate::record::{AttemptRow, Ended, JobFilter, JobId, JobRow, StatLine};

impl PostgresStore {
    pub(super) async fn find_job(&self, id: JobId) -> Result<Option<JobRow>> {
        let fault = self.fault("look up a job");
        let row =
            sqlx::query(safe(&self.sql.job)).bind(id.as_uuid()).fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| Reader::new(&row, "jobs").job()).transpose()
    }

    pub(super) async fn attempts_of(&self, id: JobId) -> Result<Vec<AttemptRow>> {
        let fault = self.fault("look up a job");
        let rows =
            sqlx::query(safe(&self.sql.attempts)).bind(id.as_uuid()).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "job_results", |row| row.attempt())
    }

    pub(super) async fn outlook_of(&self, ids: Vec<JobId>) -> Result<Vec<(JobId, Option<Ended>)>> {
        let fault = self.fault("look for the end of jobs");
        let rows = sqlx::query(safe(&self.sql.outlook)).bind(uuids(&ids)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "job_results", |row| row.outlook())
    }

    pub(super) async fn list_jobs(&self, filter: JobFilter, offset: u64, limit: u32) -> Result<Vec<JobRow>> {
        let fault = self.fault("list jobs");
        let rows = filtered(&self.sql.list, &filter)
            .bind(i64::from(limit))
            .bind(i64::try_from(offset).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        each(&rows, "jobs", |row| row.job())
    }

    pub(super) async fn count_jobs(&self, filter: JobFilter) -> Result<Vec<StatLine>> {
        let fault = self.fault("count jobs");
        let rows = filtered(&self.sql.stats, &filter).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "jobs", |row| row.stat())
    }
}
