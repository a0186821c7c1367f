use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use super::enqueue::insert_on;
use super::rows::Reader;
use super::run::without_nul;
use super::{PostgresStore, giving_way, micros, safe};
use crate::error::Result;
use crate::ledger::{Definition, Fired, Locked, ScheduleRow, ScheduleRun, Step, schedule_of, settle, source};
use crate::record::JobId;
use crate::status::ScheduleState;

impl Reader<'_> {
    fn id_or_none(&self, column: &str) -> Result<Option<JobId>> {
        Ok(self.get::<Option<uuid::Uuid>>(column)?.map(JobId::from))
    }

    fn schedule(&self) -> Result<ScheduleRow> {
        let window: Option<i64> = self.get("window_ms")?;
        let paused_at: Option<_> = self.get("paused_at")?;
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
            created_at: self.get("created_at")?,
            changed_at: self.get("changed_at")?,
            settled_at: self.get("settled_at")?,
            last_slot: self.get("last_slot")?,
            last_job: self.id_or_none("last_job_id")?,
            last_state: None,
            last_error: None,
            waiting: self.get("waiting")?,
            skipped: u64::try_from(self.get::<i64>("skipped")?).unwrap_or_default(),
            last_skip: self.get("last_skip")?,
            skip_reason: self.get("skip_reason")?,
            run_now: self.id_or_none("run_now_id")?,
            paused_at,
            paused_by: self.get("paused_by")?,
            generation: self.get("generation")?,
            fingerprint: self.get("fingerprint")?,
            busy: self.get("busy")?,
            now: self.get("now")?,
        })
    }

    fn locked(&self) -> Result<Locked> {
        Ok(Locked {
            now: self.get("now")?,
            generation: self.get("generation")?,
            settled_at: self.get("settled_at")?,
            paused: self.get("paused")?,
            waiting: self.get("waiting")?,
            run_now: self.id_or_none("run_now_id")?,
            last_job: self.id_or_none("last_job_id")?,
            busy: self.get("busy")?,
        })
    }
}

/// A statement that takes a definition as its first nine values.
fn defined<'q>(sql: &std::sync::Arc<str>, definition: &'q Definition) -> Query<'q, Postgres, PgArguments> {
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

impl PostgresStore {
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
        giving_way!(self, self.settle_once(steps))
    }

    async fn settle_once(&self, steps: &[Step]) -> Result<Vec<Option<Fired>>> {
        let mut tx = self.begin("run schedules").await?;
        let mut all = Vec::with_capacity(steps.len());
        for step in steps {
            all.push(self.settle_one(&mut tx, step).await?);
        }
        self.commit(tx).await?;
        Ok(all)
    }

    async fn settle_one(&self, tx: &mut Transaction<'static, Postgres>, step: &Step) -> Result<Option<Fired>> {
        let fault = self.fault("run schedules");
        let row = sqlx::query(safe(&self.sql.lock_schedule))
            .bind(&step.name)
            .fetch_optional(&mut **tx)
            .await
            .map_err(&fault)?;
        let Some(row) = row else { return Ok(None) };
        let Some(mut settled) = settle(&Reader::new(&row, "schedules").locked()?, step) else { return Ok(None) };
        let inserted = insert_on(tx, &self.sql, &settled.requests, &fault).await?;
        let fired = settled.fired(&inserted);
        let passed = fired.passed.as_ref();
        sqlx::query(safe(&self.sql.settle_schedule))
            .bind(&step.name)
            .bind(settled.settled_at)
            .bind(&settled.waiting)
            .bind(fired.last_slot())
            .bind(fired.last_job().map(|id| *id.as_uuid()))
            .bind(passed.map_or(0, |passed| i64::try_from(passed.count).unwrap_or(i64::MAX)))
            .bind(passed.map(|passed| passed.latest))
            .bind(passed.map(|passed| without_nul(&passed.reason).into_owned()))
            .bind(&step.queue)
            .bind(settled.by_hand)
            .execute(&mut **tx)
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
        let delete = AssertSqlSafe(format!("DELETE FROM {}.schedules WHERE name = $1", self.namespace));
        self.change_one("remove a schedule", sqlx::query(delete).bind(name)).await
    }

    pub(super) async fn stop_schedule(&self, name: &str, by: Option<String>) -> Result<bool> {
        self.change_one("pause a schedule", sqlx::query(safe(&self.sql.pause_schedule)).bind(name).bind(by)).await
    }

    pub(super) async fn restart_schedule(&self, name: &str) -> Result<bool> {
        self.change_one("resume a schedule", sqlx::query(safe(&self.sql.resume_schedule)).bind(name)).await
    }

    /// Whether the statement changed its row.
    async fn change_one(&self, doing: &'static str, statement: Query<'_, Postgres, PgArguments>) -> Result<bool> {
        let mut tx = self.begin(doing).await?;
        let done = statement.execute(&mut *tx).await.map_err(self.fault(doing))?;
        self.commit(tx).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn ask_for_run(&self, name: &str, id: JobId) -> Result<Option<JobId>> {
        let fault = self.fault("run a schedule");
        let mut tx = self.begin("run a schedule").await?;
        let row = sqlx::query(safe(&self.sql.run_schedule))
            .bind(name)
            .bind(id.as_uuid())
            .fetch_optional(&mut *tx)
            .await
            .map_err(&fault)?;
        self.commit(tx).await?;
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
        let query = sqlx::query(safe(&self.sql.schedule_runs)).bind(sources).bind(i64::from(each));
        let rows = query.fetch_all(&self.pool).await.map_err(fault)?;
        super::rows::each(&rows, "job_results", |row| {
            Ok(ScheduleRun {
                schedule: schedule_of(&row.get::<String>("source")?).unwrap_or_default().to_owned(),
                id: row.id("id")?,
                state: row.word("state")?,
                slot: row.get("slot")?,
                due_at: row.get("due_at")?,
                started_at: row.get("started_at")?,
                ended_at: row.get("ended_at")?,
            })
        })
    }
}
