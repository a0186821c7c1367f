use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteRow;

use super::rows::{Reader, each};
use super::{SqliteQuery, SqliteStore, json, safe};
use crate::error::{Error, Result};
use crate::monitor::RunPoint;
use crate::record::{AttemptRow, Ended, JobFilter, JobId, JobRow, StatLine};

impl SqliteStore {
    pub(super) async fn find_job(&self, id: JobId) -> Result<Option<JobRow>> {
        let fault = self.fault("look up a job");
        let row =
            sqlx::query(safe(&self.sql.job)).bind(id.to_string()).fetch_optional(&self.pool).await.map_err(fault)?;
        row.map(|row| Reader::new(&row, "jobs").job()).transpose()
    }

    pub(super) async fn attempts_of(&self, id: JobId) -> Result<Vec<AttemptRow>> {
        let fault = self.fault("look up a job");
        let rows =
            sqlx::query(safe(&self.sql.attempts)).bind(id.to_string()).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "job_results", |row| row.attempt())
    }

    pub(super) async fn outlook_of(&self, ids: Vec<JobId>) -> Result<Vec<(JobId, Option<Ended>)>> {
        let fault = self.fault("look for the end of jobs");
        let rows = sqlx::query(safe(&self.sql.outlook)).bind(json(&ids)).fetch_all(&self.pool).await.map_err(fault)?;
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
                due_at: row.instant("due_at")?,
                started_at: row.instant_or_none("started_at")?,
                ended_at: row.instant_or_none("ended_at")?,
            })
        })
    }

    pub(super) async fn count_jobs(&self, filter: JobFilter) -> Result<Vec<StatLine>> {
        let query = self.filtered(&self.sql.stats, &filter, None, []);
        let rows = self.search("count jobs", filter.patience(), query).await?;
        each(&rows, "jobs", |row| row.stat())
    }

    /// Runs a query whose answer is worth two seconds; `None` when it takes longer.
    pub(super) async fn briefly(&self, doing: &'static str, query: SqliteQuery) -> Result<Option<Vec<SqliteRow>>> {
        match self.search(doing, Duration::from_secs(2), query).await {
            Ok(rows) => Ok(Some(rows)),
            Err(Error::TooLong { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a query that may have to look at every row, for as long as it may.
    async fn search(&self, doing: &'static str, limit: Duration, query: SqliteQuery) -> Result<Vec<SqliteRow>> {
        /// How many steps of SQLite's machine lie between two looks at the watch: some tenths of a millisecond.
        const STEPS: i32 = 20_000;
        let fault = self.fault(doing);
        let mut connection = self.pool.acquire().await.map_err(&fault)?;
        let start = Instant::now();
        connection.lock_handle().await.map_err(&fault)?.set_progress_handler(STEPS, move || start.elapsed() < limit);
        let rows = query.fetch_all(&mut *connection).await;
        connection.lock_handle().await.map_err(&fault)?.remove_progress_handler();
        rows.map_err(|error| if start.elapsed() < limit { fault(error) } else { Error::TooLong { doing, limit } })
    }
}
