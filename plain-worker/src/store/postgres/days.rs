//! The history by days: partitions made ahead, dropped whole when they are past all retention.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use sqlx::{AssertSqlSafe, Postgres, Row, Transaction};

use super::rows::Reader;
use super::{PostgresStore, giving_way, safe};
use crate::error::{Error, Result};
use crate::retention::Retention;

/// How many days after today have their partition.
const AHEAD: u64 = 3;
/// Where rows go whose day has no partition.
const OTHERS: &str = "job_results_default";
/// How long a lock on the history is waited for: what waits holds up every finish behind it.
const LOCK: &str = "SET LOCAL lock_timeout = '500ms'";

/// One partition of the history; no day: the default one.
struct Partition {
    name: String,
    day: Option<NaiveDate>,
}

/// The partition of a day.
fn name_of(day: NaiveDate) -> String {
    day.format("job_results_%Y%m%d").to_string()
}

/// The day of a partition that was made here; those of others are left alone.
fn partition(name: String) -> Option<Partition> {
    if name == OTHERS {
        return Some(Partition { name, day: None });
    }
    let day = NaiveDate::parse_from_str(name.strip_prefix("job_results_")?, "%Y%m%d").ok()?;
    (name_of(day) == name).then_some(Partition { name, day: Some(day) })
}

/// Whether the role may not do that.
fn is_denied(error: &Error) -> bool {
    let Error::Database { source, .. } = error else { return false };
    let refused = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    refused.and_then(|error| error.code()).is_some_and(|code| code == "42501")
}

/// The first instant of a day.
fn start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl PostgresStore {
    /// The partitions of the history, the default one last, and what time it is.
    async fn partitions(&self) -> Result<(Vec<Partition>, DateTime<Utc>)> {
        let fault = self.fault("look at the history");
        let rows = sqlx::query(safe(&self.sql.partitions)).fetch_all(&self.pool).await.map_err(fault)?;
        let mut now = DateTime::UNIX_EPOCH;
        let mut found = Vec::new();
        for row in &rows {
            let row = Reader::new(row, "pg_class");
            now = row.get("now")?;
            found.extend(partition(row.get("name")?));
        }
        found.sort_by_key(|partition| (partition.day.is_none(), partition.day));
        Ok((found, now))
    }

    /// A short transaction that changes which partitions there are; one at a time.
    async fn rearrange(&self, doing: &'static str) -> Result<Transaction<'static, Postgres>> {
        let mut tx = self.begin(doing).await?;
        sqlx::raw_sql(AssertSqlSafe(format!(
            "{LOCK}; SELECT pg_advisory_xact_lock(hashtextextended('plain-worker history of {}', 0))",
            self.namespace
        )))
        .execute(&mut *tx)
        .await
        .map_err(self.fault(doing))?;
        Ok(tx)
    }

    pub(super) async fn add_days(&self) -> Result<()> {
        let (found, now) = self.partitions().await?;
        for ahead in 0..=AHEAD {
            let Some(day) = now.date_naive().checked_add_days(Days::new(ahead)) else { break };
            if found.iter().any(|partition| partition.day == Some(day)) {
                continue;
            }
            match self.add_day(day).await {
                // The history is busy; the next time will do, and until then rows go to the default partition. A role
                // that does not own the history leaves them there.
                Err(error) if matches!(error, Error::Conflict { .. }) || is_denied(&error) => {
                    tracing::debug!(%error, %day, "the partition of a day was not made");
                    break;
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn add_day(&self, day: NaiveDate) -> Result<()> {
        let doing = "make room in the history";
        let fault = self.fault(doing);
        let Some(after) = day.succ_opt() else { return Ok(()) };
        let (schema, name) = (&self.namespace, name_of(day));
        let mut tx = self.rearrange(doing).await?;
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT to_regclass('{schema}.{name}') IS NOT NULL
                 OR EXISTS (SELECT 1 FROM {schema}.{OTHERS} WHERE ended_at >= $1 AND ended_at < $2)"
        )))
        .bind(start(day))
        .bind(start(after))
        .fetch_one(&mut *tx)
        .await
        .map_err(&fault)?;
        if row.try_get(0).map_err(&fault)? {
            // Another was first; or rows of that day are in the default partition, where they may stay.
            return Ok(());
        }
        // Made apart and attached: making it in place would lock out everybody who writes history.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "CREATE TABLE {schema}.{name} (LIKE {schema}.job_results INCLUDING ALL);
             ALTER TABLE {schema}.job_results ATTACH PARTITION {schema}.{name}
                   FOR VALUES FROM ('{day} 00:00:00+00') TO ('{after} 00:00:00+00')"
        )))
        .execute(&mut *tx)
        .await
        .map_err(&fault)?;
        self.commit(tx).await
    }

    pub(super) async fn prune_results(&self, retention: Retention, limit: u32) -> Result<u64> {
        let (found, now) = self.partitions().await?;
        // What is kept for longer than the calendar is kept for ever.
        let before = |age: Duration| now.checked_sub_signed(chrono::Duration::from_std(age).ok()?);
        let ages = retention.of_results();
        let until: Vec<_> = ages.iter().filter_map(|(state, age)| Some((state.as_str(), before(*age)?))).collect();
        let latest = until.iter().map(|(_, until)| *until).max();
        // A whole day goes when nothing of it is kept any more.
        let earliest = until.iter().map(|(_, until)| *until).min().filter(|_| until.len() == ages.len());
        let mut taken = 0;
        let mut dropping = true;
        for Partition { name, day } in found {
            if latest.is_none_or(|latest| day.is_some_and(|day| start(day) > latest)) {
                continue;
            }
            let past =
                day.and_then(|day| day.succ_opt()).is_some_and(|after| earliest.is_some_and(|to| start(after) <= to));
            if past && dropping {
                match self.drop_day(&name).await {
                    Ok(Some(rows)) => {
                        taken += rows;
                        continue;
                    }
                    Ok(None) => {}
                    Err(error @ Error::Conflict { .. }) => {
                        tracing::debug!(%error, name, "a day of the history was not dropped");
                        dropping = false;
                        continue;
                    }
                    // Its rows may be deleted all the same.
                    Err(error) if is_denied(&error) => {
                        tracing::debug!(%error, name, "a day of the history was not dropped");
                        dropping = false;
                    }
                    Err(error) => return Err(error),
                }
            }
            let left = i64::from(limit).saturating_sub_unsigned(taken);
            if left <= 0 {
                break;
            }
            taken += giving_way!(self, self.prune_partition(&name, &until, left))?;
        }
        let left = i64::from(limit).saturating_sub_unsigned(taken);
        if let Some(until) = before(retention.audit).filter(|_| left > 0) {
            taken += giving_way!(self, self.prune_audit(until, left))?;
        }
        let left = i64::from(limit).saturating_sub_unsigned(taken);
        let youngest = until.iter().map(|(_, until)| *until).max();
        if let Some(until) = youngest.filter(|_| left > 0) {
            taken += giving_way!(self, self.prune_logs(until, left))?;
        }
        Ok(taken)
    }

    /// Drops a day at once and says how many rows it had; `None`: it holds attempts of jobs that are still kept.
    async fn drop_day(&self, name: &str) -> Result<Option<u64>> {
        let doing = "prune results";
        let fault = self.fault(doing);
        let mut tx = self.rearrange(doing).await?;
        let gone = sqlx::query("SELECT to_regclass($1) IS NULL")
            .bind(format!("{}.{name}", self.namespace))
            .fetch_one(&mut *tx)
            .await
            .map_err(&fault)?;
        if gone.try_get(0).map_err(&fault)? {
            return Ok(Some(0));
        }
        let row = sqlx::query(AssertSqlSafe(self.sql.prune_day.replace("{partition}", name)))
            .fetch_one(&mut *tx)
            .await
            .map_err(&fault)?;
        let row = Reader::new(&row, "job_results");
        if row.get("needed")? {
            return Ok(None);
        }
        sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE {}.{name}", self.namespace)))
            .execute(&mut *tx)
            .await
            .map_err(&fault)?;
        self.commit(tx).await?;
        Ok(Some(u64::try_from(row.get::<i64>("count")?).unwrap_or_default()))
    }

    async fn prune_partition(&self, name: &str, until: &[(&str, DateTime<Utc>)], limit: i64) -> Result<u64> {
        let (states, until): (Vec<_>, Vec<_>) = until.iter().copied().unzip();
        // Not kept: each partition has a text of its own.
        let mut tx = self.begin("prune results").await?;
        let done = sqlx::query(AssertSqlSafe(self.sql.prune.replace("{partition}", name)))
            .bind(states)
            .bind(until)
            .bind(limit)
            .persistent(false)
            .execute(&mut *tx)
            .await
            .map_err(self.fault("prune results"))?;
        self.commit(tx).await?;
        Ok(done.rows_affected())
    }

    async fn prune_logs(&self, until: DateTime<Utc>, limit: i64) -> Result<u64> {
        let mut alone = self.alone("prune the logs of jobs").await?;
        let done = sqlx::query(safe(&self.sql.prune_logs))
            .bind(until)
            .bind(limit)
            .execute(alone.connection())
            .await
            .map_err(self.fault("prune the logs of jobs"))?;
        alone.done(self).await?;
        Ok(done.rows_affected())
    }

    async fn prune_audit(&self, until: DateTime<Utc>, limit: i64) -> Result<u64> {
        let mut alone = self.alone("prune the audit").await?;
        let done = sqlx::query(safe(&self.sql.prune_audit))
            .bind(until)
            .bind(limit)
            .execute(alone.connection())
            .await
            .map_err(self.fault("prune the audit"))?;
        alone.done(self).await?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_partitions_of_ours_are_touched() {
        let day = |name: &str| partition(name.to_owned()).map(|partition| partition.day);
        assert_eq!(day("job_results_20260228"), Some(NaiveDate::from_ymd_opt(2026, 2, 28)));
        assert_eq!(day(OTHERS), Some(None));
        for other in ["job_results_20260230", "job_results_2026", "job_results_archive", "results_20260228"] {
            assert_eq!(day(other), None, "{other}");
        }
    }
}
