use std::time::Duration;

use sqlx::postgres::PgRow;

use super::rows::{Reader, each};
use super::{PostgresQuery, PostgresStore, safe, uuids};
use crate::error::{Error, Result};
use crate::monitor::RunPoint;
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

    pub(super) async fn list_jobs(&self, filter: JobFilter, after: Option<JobId>, limit: u32) -> Result<Vec<JobRow>> {
        let query = self.filtered(&self.sql.list, &filter, after, [i64::from(limit)]);
        let rows = self.search("list jobs", filter.patience(), query).await?;
        each(&rows, "jobs", |row| row.job())
    }

    pub(super) async fn list_points(&self, filter: JobFilter, limit: u32) -> Result<Vec<RunPoint>> {
        let query = self.filtered(&self.sql.points, &filter, None, [i64::from(limit)]);
        let rows = self.search("list runs", filter.patience(), query).await?;
        each(&rows, "jobs", |row| {
            Ok(RunPoint {
                id: row.id("id")?,
                state: row.word("state")?,
                due_at: row.get("due_at")?,
                started_at: row.get("started_at")?,
                ended_at: row.get("ended_at")?,
            })
        })
    }

    pub(super) async fn count_jobs(&self, filter: JobFilter) -> Result<Vec<StatLine>> {
        let query = self.filtered(&self.sql.stats, &filter, None, []);
        let rows = self.search("count jobs", filter.patience(), query).await?;
        each(&rows, "jobs", |row| row.stat())
    }

    /// Runs a query whose answer is worth two seconds; `None` when it takes longer.
    pub(super) async fn briefly(&self, doing: &'static str, query: PostgresQuery) -> Result<Option<Vec<PgRow>>> {
        match self.search(doing, Duration::from_secs(2), query).await {
            Ok(rows) => Ok(Some(rows)),
            Err(Error::TooLong { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a query that may have to look at every row, for as long as it may.
    async fn search(&self, doing: &'static str, limit: Duration, query: PostgresQuery) -> Result<Vec<PgRow>> {
        let fault = self.fault(doing);
        let mut tx = self.begin(doing).await?;
        sqlx::query("SELECT set_config('statement_timeout', $1, true)")
            .bind(limit.as_millis().to_string())
            .execute(&mut *tx)
            .await
            .map_err(&fault)?;
        let rows = query.fetch_all(&mut *tx).await;
        let stopped =
            |error: &sqlx::Error| error.as_database_error().is_some_and(|e| e.code().as_deref() == Some("57014"));
        let rows =
            rows.map_err(|error| if stopped(&error) { Error::TooLong { doing, limit } } else { fault(error) })?;
        self.commit(tx).await?;
        Ok(rows)
    }
}
