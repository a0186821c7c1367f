use super::rows::{Reader, each};
use super::{SqliteStore, json, safe};
use crate::error::Result;
use crate::record::JobId;
use crate::telling::{AttemptLog, Mark, NewLog};

impl SqliteStore {
    pub(super) async fn mark_runs(&self, marks: Vec<Mark>) -> Result<()> {
        let marks: Vec<_> =
            marks.iter().map(|mark| (mark.token, mark.progress.fraction, &mark.progress.note)).collect();
        let mut write = self.write("note the progress of jobs").await?;
        sqlx::query(safe(&self.sql.mark))
            .bind(json(&marks))
            .execute(&mut *write.tx)
            .await
            .map_err(self.fault("note the progress of jobs"))?;
        write.commit(self).await
    }

    pub(super) async fn put_logs(&self, logs: Vec<NewLog>) -> Result<()> {
        let rows: Vec<_> = logs.iter().map(|log| (log.token, log.id, log.attempt, log.told, &log.lines)).collect();
        let mut write = self.write("write the logs of jobs").await?;
        sqlx::query(safe(&self.sql.write_logs))
            .bind(json(&rows))
            .execute(&mut *write.tx)
            .await
            .map_err(self.fault("write the logs of jobs"))?;
        write.commit(self).await
    }

    pub(super) async fn logs_of(&self, id: JobId) -> Result<Vec<AttemptLog>> {
        let rows = sqlx::query(safe(&self.sql.logs))
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await
            .map_err(self.fault("look up the logs of a job"))?;
        each(&rows, "job_logs", |row: &Reader<'_>| {
            let lines: String = row.get("lines")?;
            let lines = serde_json::from_str(&lines).map_err(|error| row.wrong("lines", error))?;
            Ok(AttemptLog::of_row(row.get("attempt")?, row.get("told")?, lines))
        })
    }
}
