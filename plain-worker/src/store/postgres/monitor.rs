//! What pages read, and the sums they read it from.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Row};

use super::rows::{Reader, each};
use super::{PostgresStore, safe};
use crate::error::{Error, Result};
use crate::monitor::{AuditRow, Depth, Failure, Rate, RateQuery, WorkerView};
use crate::record::JobId;

impl PostgresStore {
    pub(super) async fn all_workers(&self) -> Result<Vec<WorkerView>> {
        let fault = self.fault("look for workers");
        let rows = sqlx::query(safe(&self.sql.workers)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "workers", |row| {
            let wrong = |error: serde_json::Error| Error::Row { table: "workers", reason: error.to_string() };
            Ok(WorkerView {
                id: row.get("id")?,
                host: row.get("host")?,
                pid: row.get("pid")?,
                version: row.get("version")?,
                build: row.get("build")?,
                queues: serde_json::from_str(row.get("queues")?).map_err(wrong)?,
                knows: serde_json::from_str(row.get("knows")?).map_err(wrong)?,
                concurrency: row.get("concurrency")?,
                running: row.get("running")?,
                started_at: row.get("started_at")?,
                heartbeat_at: row.get("heartbeat_at")?,
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
                oldest: row.get("oldest")?,
            })
        })
    }

    pub(super) async fn count_ahead(&self, id: JobId) -> Result<Option<u64>> {
        let bound = i64::try_from(Depth::BOUND).unwrap_or(i64::MAX);
        let query = sqlx::query(safe(&self.sql.ahead)).bind(*id.as_uuid()).bind(bound);
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
                ended_at: row.get("ended_at")?,
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
        let mut tx = self.begin("sum up what ended").await?;
        let span = sqlx::query(safe(&self.sql.rate_span)).fetch_optional(&mut *tx).await.map_err(&fault)?;
        let Some(span) = span else { return Ok(false) };
        let start: DateTime<Utc> = span.try_get("start").map_err(&fault)?;
        let stop: DateTime<Utc> = span.try_get("stop").map_err(&fault)?;
        sqlx::query(safe(&self.sql.roll_up)).bind(start).bind(stop).execute(&mut *tx).await.map_err(&fault)?;
        self.commit(tx).await?;
        Ok(true)
    }

    pub(super) async fn fold_sums(&self) -> Result<()> {
        let fault = self.fault("fold the sums");
        let mut tx = self.begin("fold the sums").await?;
        // Two that fold at once would take the same minutes.
        sqlx::query(AssertSqlSafe(format!("SELECT 1 FROM {}.job_rates_until FOR UPDATE", self.namespace)))
            .execute(&mut *tx)
            .await
            .map_err(&fault)?;
        sqlx::query(safe(&self.sql.fold_rates)).execute(&mut *tx).await.map_err(&fault)?;
        self.commit(tx).await
    }

    pub(super) async fn list_audits(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
        let fault = self.fault("look at the audit");
        let query = sqlx::query(safe(&self.sql.audits)).bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "audit", |row| {
            Ok(AuditRow {
                seq: row.get("seq")?,
                at: row.get("at")?,
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
        let mut alone = self.alone("note who changed what").await?;
        let noted = self.note(alone.connection(), change, target, count, noted).await?;
        alone.done(self).await?;
        Ok(noted)
    }

    pub(super) async fn what_time(&self) -> Result<DateTime<Utc>> {
        let fault = self.fault("ask for the time");
        let now = super::renderer(&self.namespace, self.clock)("SELECT {now}");
        let row = sqlx::query(AssertSqlSafe(now)).fetch_one(&self.pool).await.map_err(&fault)?;
        row.try_get(0).map_err(&fault)
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
