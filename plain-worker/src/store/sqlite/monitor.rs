//! What pages read, and the sums they read it from.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Row};

use super::rows::{Reader, each};
use super::{SqliteStore, safe};
use crate::error::{Error, Result};
use crate::monitor::{AuditRow, Depth, Failure, Rate, RateQuery, WorkerView};
use crate::record::JobId;

impl SqliteStore {
    pub(super) async fn all_workers(&self) -> Result<Vec<WorkerView>> {
        let fault = self.fault("look for workers");
        let rows = sqlx::query(safe(&self.sql.workers)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "workers", |row| {
            let wrong = |error: serde_json::Error| Error::Row { table: "workers", reason: error.to_string() };
            Ok(WorkerView {
                id: row.word("id")?,
                host: row.get("host")?,
                pid: row.get("pid")?,
                version: row.get("version")?,
                build: row.get("build")?,
                queues: serde_json::from_str(&row.get::<String>("queues")?).map_err(wrong)?,
                knows: serde_json::from_str(&row.get::<String>("knows")?).map_err(wrong)?,
                concurrency: row.get("concurrency")?,
                running: row.get("running")?,
                started_at: row.instant("started_at")?,
                heartbeat_at: row.instant("heartbeat_at")?,
                alive: row.get("alive")?,
            })
        })
    }

    pub(super) async fn all_depths(&self) -> Result<Vec<Depth>> {
        let fault = self.fault("look how deep the queues are");
        let bound = i64::try_from(Depth::BOUND).unwrap_or(i64::MAX);
        let rows = sqlx::query(safe(&self.sql.depths)).bind(bound).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "job_requests", |row| {
            Ok(Depth {
                queue: row.get("queue")?,
                state: row.word("state")?,
                count: row.get::<i64>("count")?.unsigned_abs(),
                oldest: row.instant_or_none("oldest")?,
            })
        })
    }

    pub(super) async fn count_ahead(&self, id: JobId) -> Result<Option<u64>> {
        let bound = i64::try_from(Depth::BOUND).unwrap_or(i64::MAX);
        let query = sqlx::query(safe(&self.sql.ahead)).bind(id.to_string()).bind(bound);
        let rows = self.briefly("count the jobs ahead", query).await?;
        Ok(rows.and_then(|rows| rows.first()?.try_get::<i64, _>(0).ok()).map(i64::unsigned_abs))
    }

    pub(super) async fn sums(&self, query: RateQuery) -> Result<Vec<Rate>> {
        let fault = self.fault("look at the sums");
        let rows = sqlx::query(safe(&self.sql.rates))
            .bind(query.seconds)
            .bind(query.step)
            .bind(query.by_name)
            .bind(query.queue)
            .bind(query.job)
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        each(&rows, "job_rates", sum)
    }

    pub(super) async fn failures_of(&self, job: String, limit: u32) -> Result<Option<Vec<Failure>>> {
        let query = sqlx::query(safe(&self.sql.failures)).bind(job).bind(i64::from(limit));
        let Some(rows) = self.briefly("look for errors", query).await? else { return Ok(None) };
        let failures = each(&rows, "job_results", |row| {
            Ok(Failure {
                id: row.id("id")?,
                error: row.get::<Option<String>>("error")?.unwrap_or_default(),
                state: row.word("state")?,
                ended_at: row.instant("ended_at")?,
            })
        });
        failures.map(Some)
    }

    pub(super) async fn all_totals(&self) -> Result<Vec<Rate>> {
        let fault = self.fault("look at the sums");
        let rows = sqlx::query(safe(&self.sql.totals)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "job_rates", sum)
    }

    pub(super) async fn sum_up(&self) -> Result<bool> {
        let fault = self.fault("sum up what ended");
        // A look first: a write that changes nothing would wake every process on the file.
        let span = |row: Option<sqlx::sqlite::SqliteRow>| {
            row.map(|row| Ok((row.try_get::<i64, _>("start")?, row.try_get::<i64, _>("stop")?))).transpose()
        };
        let look = sqlx::query(safe(&self.sql.rate_span)).fetch_optional(&self.pool).await;
        if look.and_then(span).map_err(&fault)?.is_none() {
            return Ok(false);
        }
        let mut write = self.write("sum up what ended").await?;
        let again = sqlx::query(safe(&self.sql.rate_span)).fetch_optional(&mut *write.tx).await;
        let Some((start, stop)) = again.and_then(span).map_err(&fault)? else { return Ok(false) };
        sqlx::query(safe(&self.sql.roll_up)).bind(start).bind(stop).execute(&mut *write.tx).await.map_err(&fault)?;
        sqlx::query(AssertSqlSafe(format!("UPDATE {}_job_rates_until SET until = ?1", self.namespace)))
            .bind(stop)
            .execute(&mut *write.tx)
            .await
            .map_err(&fault)?;
        write.commit(self).await?;
        Ok(true)
    }

    pub(super) async fn fold_sums(&self) -> Result<()> {
        let fault = self.fault("fold the sums");
        let mut write = self.write("fold the sums").await?;
        for step in [&self.sql.fold_rates, &self.sql.forget_rates] {
            sqlx::query(safe(step)).execute(&mut *write.tx).await.map_err(&fault)?;
        }
        write.commit(self).await
    }

    pub(super) async fn list_audits(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
        let fault = self.fault("look at the audit");
        let query = sqlx::query(safe(&self.sql.audits)).bind(before.unwrap_or(i64::MAX)).bind(limit);
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "audit", |row| {
            Ok(AuditRow {
                seq: row.get("seq")?,
                at: row.instant("at")?,
                actor: row.get("actor")?,
                action: row.get("action")?,
                target: row.get("target")?,
                count: row.get("count")?,
            })
        })
    }

    pub(super) async fn insert_audit(
        &self,
        change: (&str, &str),
        target: &str,
        count: u64,
        noted: Option<i64>,
    ) -> Result<Option<i64>> {
        let mut write = self.write("note who changed what").await?;
        let noted = self.note(&mut write, change, target, count, noted).await?;
        write.commit(self).await?;
        Ok(noted)
    }

    pub(super) async fn what_time(&self) -> Result<DateTime<Utc>> {
        let fault = self.fault("ask for the time");
        let now = super::renderer(&self.namespace, self.clock)("SELECT {now}");
        let row = sqlx::query(AssertSqlSafe(now)).fetch_one(&self.pool).await.map_err(&fault)?;
        let micros: i64 = row.try_get(0).map_err(&fault)?;
        DateTime::from_timestamp_micros(micros)
            .ok_or_else(|| Error::Row { table: "clock", reason: "it is past the end of the calendar".to_owned() })
    }
}

/// A sum of one kind and bucket.
fn sum(row: &Reader<'_>) -> Result<Rate> {
    Ok(Rate {
        at: row.get("step")?,
        queue: row.get("queue")?,
        job: row.get("job")?,
        kind: row.get::<String>("kind")?.into(),
        bucket: usize::try_from(row.get::<i64>("bucket")?).unwrap_or(usize::MAX),
        count: row.get::<i64>("count")?.unsigned_abs(),
        total_us: row.get("total_us")?,
    })
}
