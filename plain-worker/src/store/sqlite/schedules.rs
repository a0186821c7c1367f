use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite};

use super::enqueue::insert_on;
use super::rows::Reader;
use super::{SqliteStore, Write, json, micros, safe};
use crate::error::Result;
use crate::ledger::{Definition, Fired, Locked, ScheduleRow, ScheduleRun, Step, schedule_of, settle, source};
use crate::record::JobId;
use crate::status::ScheduleState;

impl Reader<'_> {
    fn waiting(&self) -> Result<Vec<DateTime<Utc>>> {
        let wrong = |reason: &str| self.wrong("waiting", reason);
        let slots: Vec<i64> =
            serde_json::from_str(self.get("waiting")?).map_err(|_| wrong("is no list of instants"))?;
        slots
            .into_iter()
            .map(|slot| DateTime::from_timestamp_micros(slot).ok_or_else(|| wrong("is past the end of the calendar")))
            .collect()
    }

    fn schedule(&self) -> Result<ScheduleRow> {
        let window: Option<i64> = self.get("window_ms")?;
        let paused_at = self.instant_or_none("paused_at")?;
        Ok(ScheduleRow {
            name: self.get("name")?,
            job: self.get("job")?,
            queue: self.get("queue")?,
            expression: self.get("expression")?,
            timezone: self.get("timezone")?,
            arguments: self.get("arguments")?,
            catch_up: self.word("catch_up")?,
            overlap: self.word("overlap")?,
            window: window.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
            dynamic: self.get("dynamic")?,
            state: if paused_at.is_some() { ScheduleState::Paused } else { ScheduleState::Active },
            problem: None,
            created_at: self.instant("created_at")?,
            changed_at: self.instant("changed_at")?,
            settled_at: self.instant("settled_at")?,
            last_slot: self.instant_or_none("last_slot")?,
            last_job: self.word_or_none("last_job_id")?,
            last_state: None,
            last_error: None,
            waiting: self.waiting()?,
            skipped: u64::try_from(self.get::<i64>("skipped")?).unwrap_or_default(),
            last_skip: self.instant_or_none("last_skip")?,
            skip_reason: self.get("skip_reason")?,
            run_now: self.word_or_none("run_now_id")?,
            paused_at,
            paused_by: self.get("paused_by")?,
            generation: self.get("generation")?,
            fingerprint: self.get("fingerprint")?,
            busy: self.get("busy")?,
            now: self.instant("now")?,
        })
    }

    fn locked(&self) -> Result<Locked> {
        Ok(Locked {
            now: self.instant("now")?,
            generation: self.get("generation")?,
            settled_at: self.instant("settled_at")?,
            paused: self.get("paused")?,
            waiting: self.waiting()?,
            run_now: self.word_or_none("run_now_id")?,
            last_job: self.word_or_none("last_job_id")?,
            busy: self.get("busy")?,
        })
    }
}

/// A statement that takes a definition as its first nine values.
fn defined<'q>(sql: &std::sync::Arc<str>, definition: &'q Definition) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(safe(sql))
        .bind(&definition.name)
        .bind(&definition.job)
        .bind(&definition.queue)
        .bind(&definition.expression)
        .bind(&definition.timezone)
        .bind(&definition.arguments)
        .bind(definition.catch_up.as_str())
        .bind(definition.overlap.as_str())
        .bind(definition.window.map(|window| (micros(window) / 1_000).max(1)))
}

impl SqliteStore {
    pub(super) async fn all_schedules(&self) -> Result<Vec<ScheduleRow>> {
        let fault = self.fault("look at the schedules");
        let rows = sqlx::query(safe(&self.sql.schedules)).fetch_all(&self.pool).await.map_err(fault)?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                // One that cannot be read must not hold the others up.
                Reader::new(row, "schedules").schedule().inspect_err(|error| tracing::error!(%error)).ok()
            })
            .collect())
    }

    pub(super) async fn settle_slots(&self, steps: &[Step]) -> Result<Vec<Option<Fired>>> {
        let mut write = self.write("run schedules").await?;
        let mut all = Vec::with_capacity(steps.len());
        for step in steps {
            all.push(self.settle_one(&mut write, step).await?);
        }
        write.commit(self).await?;
        Ok(all)
    }

    async fn settle_one(&self, write: &mut Write, step: &Step) -> Result<Option<Fired>> {
        let fault = self.fault("run schedules");
        let row = sqlx::query(safe(&self.sql.lock_schedule))
            .bind(&step.name)
            .fetch_optional(&mut *write.tx)
            .await
            .map_err(&fault)?;
        let Some(row) = row else { return Ok(None) };
        let Some(mut settled) = settle(&Reader::new(&row, "schedules").locked()?, step) else { return Ok(None) };
        let inserted = insert_on(&mut write.tx, &self.sql, &settled.requests, &fault).await?;
        let fired = settled.fired(&inserted);
        let passed = fired.passed.as_ref();
        sqlx::query(safe(&self.sql.settle_schedule))
            .bind(&step.name)
            .bind(settled.settled_at.timestamp_micros())
            .bind(json(&settled.waiting.iter().map(DateTime::timestamp_micros).collect::<Vec<_>>()))
            .bind(fired.last_slot().map(|slot| slot.timestamp_micros()))
            .bind(fired.last_job().map(|id| id.to_string()))
            .bind(passed.map_or(0, |passed| i64::try_from(passed.count).unwrap_or(i64::MAX)))
            .bind(passed.map(|passed| passed.latest.timestamp_micros()))
            .bind(passed.map(|passed| passed.reason.as_str()))
            .bind(&step.queue)
            .bind(settled.by_hand)
            .execute(&mut *write.tx)
            .await
            .map_err(&fault)?;
        Ok(Some(fired))
    }

    pub(super) async fn put_schedule(&self, definition: &Definition, fingerprint: &str) -> Result<()> {
        let put = defined(&self.sql.register_schedule, definition).bind(fingerprint);
        self.change_one("register a schedule", put).await.map(drop)
    }

    pub(super) async fn insert_schedule(&self, definition: &Definition) -> Result<bool> {
        self.change_one("add a schedule", defined(&self.sql.add_schedule, definition)).await
    }

    pub(super) async fn update_schedule(&self, definition: &Definition, generation: i64) -> Result<bool> {
        let change = defined(&self.sql.change_schedule, definition).bind(generation);
        self.change_one("change a schedule", change).await
    }

    pub(super) async fn delete_schedule(&self, name: &str) -> Result<bool> {
        let delete = AssertSqlSafe(format!("DELETE FROM {}_schedules WHERE name = ?1", self.namespace));
        self.change_one("remove a schedule", sqlx::query(delete).bind(name)).await
    }

    pub(super) async fn stop_schedule(&self, name: &str, by: Option<String>) -> Result<bool> {
        self.change_one("pause a schedule", sqlx::query(safe(&self.sql.pause_schedule)).bind(name).bind(by)).await
    }

    pub(super) async fn restart_schedule(&self, name: &str) -> Result<bool> {
        self.change_one("resume a schedule", sqlx::query(safe(&self.sql.resume_schedule)).bind(name)).await
    }

    /// Whether the statement changed its row.
    async fn change_one(&self, doing: &'static str, statement: Query<'_, Sqlite, SqliteArguments>) -> Result<bool> {
        let mut write = self.write(doing).await?;
        let done = statement.execute(&mut *write.tx).await.map_err(self.fault(doing))?;
        write.commit(self).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn ask_for_run(&self, name: &str, id: JobId) -> Result<Option<JobId>> {
        let mut write = self.write("run a schedule").await?;
        let row = sqlx::query(safe(&self.sql.run_schedule))
            .bind(name)
            .bind(id.to_string())
            .fetch_optional(&mut *write.tx)
            .await
            .map_err(self.fault("run a schedule"))?;
        write.commit(self).await?;
        row.map(|row| Reader::new(&row, "schedules").id("run_now_id")).transpose()
    }

    pub(super) async fn waiting_of_schedule(&self, name: &str) -> Result<Vec<JobId>> {
        let fault = self.fault("look for the jobs of a schedule");
        let rows =
            sqlx::query(safe(&self.sql.schedule_jobs)).bind(source(name)).fetch_all(&self.pool).await.map_err(fault)?;
        super::rows::each(&rows, "job_requests", |row| row.id("id"))
    }

    pub(super) async fn ended_of_schedules(&self, names: &[String], each: u32) -> Result<Vec<ScheduleRun>> {
        let fault = self.fault("look for the runs of schedules");
        let sources: Vec<String> = names.iter().map(|name| source(name)).collect();
        let query = sqlx::query(safe(&self.sql.schedule_runs)).bind(json(&sources)).bind(i64::from(each));
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        super::rows::each(&rows, "job_results", |row| {
            Ok(ScheduleRun {
                schedule: schedule_of(&row.get::<String>("source")?).unwrap_or_default().to_owned(),
                id: row.id("id")?,
                state: row.word("state")?,
                slot: row.instant_or_none("slot")?,
                due_at: row.instant("due_at")?,
                started_at: row.instant_or_none("started_at")?,
                ended_at: row.instant_or_none("ended_at")?,
            })
        })
    }
}
