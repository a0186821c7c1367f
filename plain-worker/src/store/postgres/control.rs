use std::borrow::Cow;

use sqlx::Row;

use super::enqueue::storable;
use super::rows::Reader;
use super::run::without_nul;
use super::{PostgresStore, giving_way, micros, safe};
use crate::change::JobChange;
use crate::error::{Error, Result};
use crate::record::{CancelAnswer, Due, JobFilter, JobId, Purged, RetryAnswer, WorkerId};
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

    pub(super) async fn cancel_job(&self, id: JobId, by: String) -> Result<Option<CancelAnswer>> {
        let reason = if by.is_empty() { "cancelled".to_owned() } else { format!("cancelled by {by}") };
        for _ in 0..LOOKS {
            let Some(state) = self.state_of(id).await? else { return Ok(None) };
            let (step, answer) = match state {
                state if state.is_final() => return Ok(Some(CancelAnswer::Ended(state))),
                JobState::Running => (&self.sql.cancel_process, CancelAnswer::Asked),
                _ => (&self.sql.cancel_request, CancelAnswer::Cancelled),
            };
            // Nothing changed: it was claimed, or its run ended, in between.
            let changed = giving_way!(self, self.cancel_once(step, id, &reason, &by))?;
            if changed > 0 {
                return Ok(Some(answer));
            }
        }
        Err(restless("cancel a job"))
    }

    async fn cancel_once(&self, step: &std::sync::Arc<str>, id: JobId, reason: &str, by: &str) -> Result<u64> {
        let mut alone = self.alone("cancel a job").await?;
        let done = sqlx::query(safe(step))
            .bind(id.as_uuid())
            .bind(without_nul(reason))
            .bind(without_nul(by))
            .execute(alone.connection())
            .await
            .map_err(self.fault("cancel a job"))?;
        alone.done(self).await?;
        Ok(done.rows_affected())
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

    pub(super) async fn change_job(&self, id: JobId, change: JobChange) -> Result<Option<bool>> {
        let fault = self.fault("change a job");
        let mut tx = self.begin("change a job").await?;
        let done = sqlx::query(safe(&self.sql.change))
            .bind(id.as_uuid())
            .bind(change.priority)
            .bind(change.queue)
            .bind(change.due == Some(Due::Now))
            .bind(change.due.and_then(|due| if let Due::In(delay) = due { Some(micros(delay)) } else { None }))
            .bind(change.due.and_then(|due| if let Due::At(at) = due { Some(storable(at)) } else { None }))
            .execute(&mut *tx)
            .await
            .map_err(&fault)?;
        self.commit(tx).await?;
        if done.rows_affected() > 0 {
            return Ok(Some(true));
        }
        Ok(self.state_of(id).await?.map(|_| false))
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
