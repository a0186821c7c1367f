use std::borrow::Cow;

use sqlx::Row;

use super::rows::Reader;
use super::run::without_nul;
use super::{PostgresStore, giving_way, safe};
use crate::change::Requeue;
use crate::error::{Error, Result};
use crate::record::{CancelAnswer, JobFilter, JobId, Purged, RetryAnswer, WorkerId};
use crate::status::JobState;

/// How often a job is looked up anew that moved on between the look and the deed.
const LOOKS: u32 = 20;

/// A job that never stood still.
fn restless(doing: &'static str) -> Error {
    Error::Conflict { doing, hint: "", source: "the job changed its state all the time".into() }
}

impl PostgresStore {
    /// Where a job stands at one moment: it is in exactly one of the tables.
    async fn state_of(&self, id: JobId) -> Result<Option<JobState>> {
        let row = sqlx::query(safe(&self.sql.state))
            .bind(id.as_uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(self.fault("look up a job"))?;
        row.map(|row| Reader::new(&row, "jobs").word("state")).transpose()
    }

    pub(super) async fn cancel_job(&self, id: JobId, by: String, note: bool) -> Result<Option<CancelAnswer>> {
        let reason = if by.is_empty() { "cancelled".to_owned() } else { format!("cancelled by {by}") };
        for _ in 0..LOOKS {
            let Some(state) = self.state_of(id).await? else { return Ok(None) };
            let (step, answer) = match state {
                state if state.is_final() => return Ok(Some(CancelAnswer::Ended(state))),
                JobState::Running => (&self.sql.cancel_process, CancelAnswer::Asked),
                _ => (&self.sql.cancel_request, CancelAnswer::Cancelled),
            };
            // Nothing changed: it was claimed, or its run ended, in between.
            let changed = giving_way!(self, self.cancel_once(step, id, &reason, note.then_some(&*by)))?;
            if changed > 0 {
                return Ok(Some(answer));
            }
        }
        Err(restless("cancel a job"))
    }

    async fn cancel_once(&self, step: &std::sync::Arc<str>, id: JobId, reason: &str, by: Option<&str>) -> Result<i64> {
        let mut alone = self.alone("cancel a job").await?;
        let done = sqlx::query(safe(step))
            .bind(id.as_uuid())
            .bind(without_nul(reason))
            .bind(by.map(without_nul))
            .fetch_one(alone.connection())
            .await
            .map_err(self.fault("cancel a job"))?;
        alone.done(self).await?;
        Reader::new(&done, "jobs").get("count")
    }

    pub(super) async fn retry_job(
        &self,
        id: JobId,
        changed: Option<(String, Cow<'static, str>)>,
    ) -> Result<Option<RetryAnswer>> {
        for _ in 0..LOOKS {
            let Some(state) = self.state_of(id).await? else { return Ok(None) };
            if state == JobState::Running {
                return Ok(Some(RetryAnswer::Running));
            }
            if let Some(answer) = giving_way!(self, self.retry_once(id, state, changed.as_ref()))? {
                return Ok(Some(answer));
            }
        }
        Err(restless("retry a job"))
    }

    /// `None`: the job moved on in between.
    async fn retry_once(
        &self,
        id: JobId,
        state: JobState,
        changed: Option<&(String, Cow<'static, str>)>,
    ) -> Result<Option<RetryAnswer>> {
        let fault = self.fault("retry a job");
        let key = id.as_uuid();
        let mut tx = self.begin("retry a job").await?;
        let step = if state.is_final() {
            sqlx::query(safe(&self.sql.retry_key)).bind(key).execute(&mut *tx).await.map_err(&fault)?;
            // A statement of its own sees what was committed while the one before waited.
            let holder = sqlx::query(safe(&self.sql.retry_key_holder))
                .bind(key)
                .fetch_optional(&mut *tx)
                .await
                .map_err(&fault)?;
            if let Some(row) = holder {
                match Reader::new(&row, "unique_keys").get::<Option<uuid::Uuid>>("id")? {
                    Some(holder) if holder == *key => {}
                    Some(holder) => return Ok(Some(RetryAnswer::KeyHeld(holder.into()))),
                    None => return Ok(None),
                }
            }
            &self.sql.retry_result
        } else {
            &self.sql.retry_request
        };
        let done = sqlx::query(safe(step))
            .bind(key)
            .bind(changed.map(|(arguments, _)| arguments.as_str()))
            .bind(changed.map(|(_, shape)| shape.as_ref()))
            .execute(&mut *tx)
            .await
            .map_err(&fault)?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        self.commit(tx).await?;
        Ok(Some(RetryAnswer::Ready))
    }

    pub(super) async fn delete_job(&self, id: JobId) -> Result<Option<bool>> {
        for _ in 0..LOOKS {
            let step = match self.state_of(id).await? {
                None => return Ok(None),
                Some(JobState::Running) => return Ok(Some(false)),
                Some(state) if state.is_final() => &self.sql.delete_results,
                Some(_) => &self.sql.delete_request,
            };
            if giving_way!(self, self.delete_once(step, id))? {
                return Ok(Some(true));
            }
        }
        Err(restless("delete a job"))
    }

    /// `false`: the job moved on in between.
    async fn delete_once(&self, step: &std::sync::Arc<str>, id: JobId) -> Result<bool> {
        let mut alone = self.alone("delete a job").await?;
        let gone = sqlx::query(safe(step))
            .bind(id.as_uuid())
            .fetch_one(alone.connection())
            .await
            .map_err(self.fault("delete a job"))?;
        alone.done(self).await?;
        Ok(Reader::new(&gone, "jobs").get::<i64>("count")? > 0)
    }

    pub(super) async fn move_job(&self, id: JobId, to: Requeue) -> Result<Option<bool>> {
        if giving_way!(self, self.move_once(id, &to))? {
            return Ok(Some(true));
        }
        Ok(self.state_of(id).await?.map(|_| false))
    }

    async fn move_once(&self, id: JobId, to: &Requeue) -> Result<bool> {
        let mut alone = self.alone("move a job").await?;
        let moved = sqlx::query(safe(&self.sql.requeue))
            .bind(id.as_uuid())
            .bind(&to.queue)
            .bind(to.priority)
            .bind(to.due_at)
            .execute(alone.connection())
            .await
            .map_err(self.fault("move a job"))?;
        alone.done(self).await?;
        Ok(moved.rows_affected() > 0)
    }

    pub(super) async fn purge_waiting(
        &self,
        filter: JobFilter,
        by: String,
        noted: Option<i64>,
        limit: u32,
    ) -> Result<Purged> {
        giving_way!(self, self.purge_once(&filter, &by, noted, limit))
    }

    async fn purge_once(&self, filter: &JobFilter, by: &str, noted: Option<i64>, limit: u32) -> Result<Purged> {
        let fault = self.fault("purge jobs");
        let mut tx = self.begin("purge jobs").await?;
        let row = self
            .filtered(&self.sql.purge, filter, None, [i64::from(limit)])
            .fetch_one(&mut *tx)
            .await
            .map_err(&fault)?;
        let count = u64::try_from(row.try_get::<i64, _>(0).map_err(&fault)?).unwrap_or_default();
        let noted = self.note(&mut tx, (by, "purge"), &filter.in_words(), count, noted).await?;
        self.commit(tx).await?;
        Ok(Purged { count, noted })
    }

    pub(super) async fn something_undrained(
        &self,
        worker: WorkerId,
        queues: Option<Vec<String>>,
        knows: Vec<String>,
    ) -> Result<bool> {
        let fault = self.fault("look for what is left");
        let row = sqlx::query(safe(&self.sql.undrained))
            .bind(worker)
            .bind(queues)
            .bind(knows)
            .fetch_one(&self.pool)
            .await
            .map_err(&fault)?;
        row.try_get(0).map_err(&fault)
    }
}
