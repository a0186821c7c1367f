use sqlx::postgres::PgBindIterExt;

use super::rows::{Reader, each};
use super::run::without_nul;
use super::{PostgresStore, giving_way, json, safe};
use crate::error::Result;
use crate::record::JobId;
use crate::telling::{AttemptLog, Mark, NewLog};

impl PostgresStore {
    pub(super) async fn mark_runs(&self, mut marks: Vec<Mark>) -> Result<()> {
        // Two that write about the same runs take them in the same order.
        marks.sort_unstable_by_key(|mark| mark.token);
        giving_way!(self, self.mark_once(&marks))
    }

    async fn mark_once(&self, marks: &[Mark]) -> Result<()> {
        let mut alone = self.alone("note the progress of jobs").await?;
        sqlx::query(safe(&self.sql.mark))
            .bind(marks.iter().map(|mark| mark.token).bind_iter())
            .bind(marks.iter().map(|mark| mark.progress.fraction).bind_iter())
            .bind(marks.iter().map(|mark| mark.progress.note.as_deref().map(without_nul)).bind_iter())
            .execute(alone.connection())
            .await
            .map_err(self.fault("note the progress of jobs"))?;
        alone.done(self).await
    }

    pub(super) async fn put_logs(&self, mut logs: Vec<NewLog>) -> Result<()> {
        logs.sort_unstable_by_key(|log| log.token);
        giving_way!(self, self.put_logs_once(&logs))
    }

    async fn put_logs_once(&self, logs: &[NewLog]) -> Result<()> {
        let mut alone = self.alone("write the logs of jobs").await?;
        sqlx::query(safe(&self.sql.write_logs))
            .bind(logs.iter().map(|log| log.token).bind_iter())
            .bind(logs.iter().map(|log| *log.id.as_uuid()).bind_iter())
            .bind(logs.iter().map(|log| log.attempt).bind_iter())
            .bind(logs.iter().map(|log| log.told).bind_iter())
            .bind(logs.iter().map(|log| json(&log.lines)).bind_iter())
            .execute(alone.connection())
            .await
            .map_err(self.fault("write the logs of jobs"))?;
        alone.done(self).await
    }

    pub(super) async fn logs_of(&self, id: JobId) -> Result<Vec<AttemptLog>> {
        let rows = sqlx::query(safe(&self.sql.logs))
            .bind(id.as_uuid())
            .fetch_all(&self.pool)
            .await
            .map_err(self.fault("look up the logs of a job"))?;
        each(&rows, "job_logs", |row: &Reader<'_>| {
            let lines = serde_json::from_str(row.get("lines")?).map_err(|error| row.wrong("lines", error))?;
            Ok(AttemptLog::of_row(row.get("attempt")?, row.get("told")?, lines))
        })
    }
}
