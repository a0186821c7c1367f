use std::borrow::Cow;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::rows::Reader;
use super::{SqliteStore, Write, json, micros, safe};
use crate::change::Requeue;
use crate::error::Result;
use crate::record::{CancelAnswer, JobFilter, JobId, Purged, RetryAnswer, WorkerId};
use crate::retention::Retention;
use crate::status::JobState;

impl SqliteStore {
    /// Deletes waiting requests that have ended and frees their keys; rows as `cancel_request.sql` returns them.
    pub(super) async fn let_go(&self, write: &mut Write, rows: &[SqliteRow]) -> Result<()> {
        let fault = self.fault("take jobs out of the queue");
        let mut seqs = Vec::new();
        let mut keys = Vec::new();
        for row in rows {
            let row = Reader::new(row, "job_requests");
            seqs.push(row.get::<i64>("seq")?);
            if let Some(key) = row.get::<Option<&str>>("unique_key")? {
                keys.push((row.get::<&str>("job")?, key, row.id("id")?));
            }
        }
        sqlx::query(safe(&self.sql.take_out)).bind(json(&seqs)).execute(&mut *write.tx).await.map_err(fault)?;
        self.free_keys(write, &keys).await
    }

    async fn state_of(&self, write: &mut Write, id: JobId) -> Result<Option<JobState>> {
        let row = sqlx::query(safe(&self.sql.state))
            .bind(id.to_string())
            .fetch_optional(&mut *write.tx)
            .await
            .map_err(self.fault("look up a job"))?;
        row.map(|row| Reader::new(&row, "jobs").word("state")).transpose()
    }

    pub(super) async fn cancel_job(&self, id: JobId, by: String, note: bool) -> Result<Option<CancelAnswer>> {
        let fault = self.fault("cancel a job");
        let reason = if by.is_empty() { "cancelled".to_owned() } else { format!("cancelled by {by}") };
        let mut write = self.write("cancel a job").await?;
        let Some(state) = self.state_of(&mut write, id).await? else { return Ok(None) };
        let answer = if state.is_final() {
            CancelAnswer::Ended(state)
        } else if state == JobState::Running {
            sqlx::query(safe(&self.sql.cancel_process))
                .bind(id.to_string())
                .bind(reason)
                .execute(&mut *write.tx)
                .await
                .map_err(&fault)?;
            CancelAnswer::Asked
        } else {
            let rows = sqlx::query(safe(&self.sql.cancel_request))
                .bind(id.to_string())
                .bind(reason)
                .fetch_all(&mut *write.tx)
                .await
                .map_err(&fault)?;
            self.let_go(&mut write, &rows).await?;
            CancelAnswer::Cancelled
        };
        if note && !matches!(answer, CancelAnswer::Ended(_)) {
            self.note(&mut write, (&by, "cancel"), &id.to_string(), 1, None).await?;
        }
        write.commit(self).await?;
        Ok(Some(answer))
    }

    pub(super) async fn retry_job(
        &self,
        id: JobId,
        changed: Option<(String, Cow<'static, str>)>,
    ) -> Result<Option<RetryAnswer>> {
        let fault = self.fault("retry a job");
        let key = id.to_string();
        let mut write = self.write("retry a job").await?;
        let Some(state) = self.state_of(&mut write, id).await? else { return Ok(None) };
        if state == JobState::Running {
            return Ok(Some(RetryAnswer::Running));
        }
        let step = if state.is_final() {
            sqlx::query(safe(&self.sql.retry_key)).bind(&key).execute(&mut *write.tx).await.map_err(&fault)?;
            let holder = sqlx::query(safe(&self.sql.retry_key_holder))
                .bind(&key)
                .fetch_optional(&mut *write.tx)
                .await
                .map_err(&fault)?;
            if let Some(row) = holder {
                return Ok(Some(RetryAnswer::KeyHeld(Reader::new(&row, "unique_keys").id("id")?)));
            }
            &self.sql.retry_result
        } else {
            &self.sql.retry_request
        };
        let (arguments, shape) = changed.unzip();
        sqlx::query(safe(step)).bind(&key).bind(arguments).bind(shape).execute(&mut *write.tx).await.map_err(&fault)?;
        if state.is_final() {
            sqlx::query(safe(&self.sql.retry_unfinal)).bind(&key).execute(&mut *write.tx).await.map_err(&fault)?;
        }
        write.commit(self).await?;
        Ok(Some(RetryAnswer::Ready))
    }

    pub(super) async fn delete_job(&self, id: JobId) -> Result<Option<bool>> {
        let fault = self.fault("delete a job");
        let key = id.to_string();
        let mut write = self.write("delete a job").await?;
        match self.state_of(&mut write, id).await? {
            None => return Ok(None),
            Some(JobState::Running) => return Ok(Some(false)),
            Some(_) => {}
        }
        let waiting =
            sqlx::query(safe(&self.sql.delete_request)).bind(&key).fetch_all(&mut *write.tx).await.map_err(&fault)?;
        self.let_go(&mut write, &waiting).await?;
        for step in [&self.sql.delete_results, &self.sql.delete_logs] {
            sqlx::query(safe(step)).bind(&key).execute(&mut *write.tx).await.map_err(&fault)?;
        }
        write.commit(self).await?;
        Ok(Some(true))
    }

    pub(super) async fn move_job(&self, id: JobId, to: Requeue) -> Result<Option<bool>> {
        let mut write = self.write("move a job").await?;
        if self.state_of(&mut write, id).await?.is_none() {
            return Ok(None);
        }
        let moved = sqlx::query(safe(&self.sql.requeue))
            .bind(id.to_string())
            .bind(to.queue)
            .bind(to.priority)
            .bind(to.due_at.map(|at| at.timestamp_micros()))
            .execute(&mut *write.tx)
            .await
            .map_err(self.fault("move a job"))?;
        write.commit(self).await?;
        Ok(Some(moved.rows_affected() > 0))
    }

    pub(super) async fn purge_waiting(
        &self,
        filter: JobFilter,
        by: String,
        noted: Option<i64>,
        limit: u32,
    ) -> Result<Purged> {
        let fault = self.fault("purge jobs");
        let mut write = self.write("purge jobs").await?;
        let rows = self
            .filtered(&self.sql.purge, &filter, None, [i64::from(limit)])
            .fetch_all(&mut *write.tx)
            .await
            .map_err(&fault)?;
        self.let_go(&mut write, &rows).await?;
        let count = rows.len() as u64;
        let noted = self.note(&mut write, (&by, "purge"), &filter.in_words(), count, noted).await?;
        write.commit(self).await?;
        Ok(Purged { count, noted })
    }

    pub(super) async fn prune_results(&self, retention: Retention, limit: u32) -> Result<u64> {
        let fault = self.fault("prune results");
        let ages = retention.of_results().map(|(state, age)| (state, micros(age)));
        let mut write = self.write("prune results").await?;
        let results = sqlx::query(safe(&self.sql.prune))
            .bind(json(&ages))
            .bind(limit)
            .execute(&mut *write.tx)
            .await
            .map_err(&fault)?;
        let audit = sqlx::query(safe(&self.sql.prune_audit))
            .bind(micros(retention.audit))
            .bind(limit)
            .execute(&mut *write.tx)
            .await
            .map_err(&fault)?;
        let youngest = retention.of_results().map(|(_, age)| age).into_iter().min().unwrap_or_default();
        let logs = sqlx::query(safe(&self.sql.prune_logs))
            .bind(micros(youngest))
            .bind(limit)
            .execute(&mut *write.tx)
            .await
            .map_err(&fault)?;
        write.commit(self).await?;
        Ok(results.rows_affected() + audit.rows_affected() + logs.rows_affected())
    }

    pub(super) async fn something_undrained(
        &self,
        worker: WorkerId,
        queues: Option<Vec<String>>,
        knows: Vec<String>,
    ) -> Result<bool> {
        let fault = self.fault("look for what is left");
        let row = sqlx::query(safe(&self.sql.undrained))
            .bind(worker.to_string())
            .bind(queues.as_ref().map(json))
            .bind(json(&knows))
            .fetch_one(&self.pool)
            .await
            .map_err(&fault)?;
        row.try_get(0).map_err(&fault)
    }
}
