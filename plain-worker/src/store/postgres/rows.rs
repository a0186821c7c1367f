//! Rows of Postgres as the words of this crate.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{Column, Row};

use crate::error::{Error, Result};
use crate::record::{AttemptRow, Ended, JobId, JobRow, Run, StatLine};
use crate::telling::Progress;

/// Reads one row; its errors name the table and the column.
pub(super) struct Reader<'r> {
    row: &'r PgRow,
    table: &'static str,
}

impl<'r> Reader<'r> {
    pub(super) fn new(row: &'r PgRow, table: &'static str) -> Self {
        Self { row, table }
    }

    pub(super) fn wrong(&self, column: &str, reason: impl std::fmt::Display) -> Error {
        Error::Row { table: self.table, reason: format!("{column}: {reason}") }
    }

    pub(super) fn get<T>(&self, column: &str) -> Result<T>
    where
        T: sqlx::Type<sqlx::Postgres> + sqlx::Decode<'r, sqlx::Postgres>,
    {
        self.row.try_get(column).map_err(|error| self.wrong(column, error))
    }

    pub(super) fn word<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<T> {
        let text: &str = self.get(column)?;
        text.parse().map_err(|error: T::Err| self.wrong(column, error))
    }

    pub(super) fn word_or_none<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<Option<T>> {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.wrong(column, error))).transpose()
    }

    pub(super) fn id(&self, column: &str) -> Result<JobId> {
        self.get::<uuid::Uuid>(column).map(JobId::from)
    }

    /// A column by its place, where looking for its name would cost more than reading it.
    fn at<T>(&self, place: usize) -> Result<T>
    where
        T: sqlx::Type<sqlx::Postgres> + sqlx::Decode<'r, sqlx::Postgres>,
    {
        self.row.try_get(place).map_err(|error| self.wrong(self.row.columns()[place].name(), error))
    }

    /// A run; its columns stand in this order in all statements that give one.
    pub(super) fn run(&self) -> Result<Run> {
        let key: Option<String> = self.at(16)?;
        let until: Option<&str> = self.at(17)?;
        let until = until.map(str::parse).transpose().map_err(|error| self.wrong("unique_until", error))?;
        let timeout: Option<i64> = self.at(14)?;
        let on_lost: &str = self.at(15)?;
        Ok(Run {
            token: self.at(0)?,
            id: self.at::<uuid::Uuid>(1)?.into(),
            job: self.at(2)?,
            queue: self.at(3)?,
            priority: self.at(4)?,
            due_at: self.at(5)?,
            enqueued_at: self.at(6)?,
            arguments: self.at(7)?,
            shape: self.at(8)?,
            attempt: self.at(9)?,
            failures: self.at(10)?,
            losses: self.at(11)?,
            hand_backs: self.at(12)?,
            retries: self.at(13)?,
            timeout: timeout.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
            on_lost: on_lost.parse().map_err(|error| self.wrong("on_lost", error))?,
            unique: key.zip(until),
            metadata: self.at(18)?,
            slot: self.at(20)?,
            started_at: self.at(21)?,
            expired: self.at(22)?,
        })
    }

    pub(super) fn job(&self) -> Result<JobRow> {
        Ok(JobRow {
            id: self.id("id")?,
            job: self.get("job")?,
            queue: self.get("queue")?,
            state: self.word("state")?,
            priority: self.get("priority")?,
            arguments: self.get("arguments")?,
            attempt: self.get("attempt")?,
            failures: self.get("failures")?,
            losses: self.get("losses")?,
            hand_backs: self.get("hand_backs")?,
            retries: self.get("retries")?,
            unique_key: self.get("unique_key")?,
            metadata: self.get("metadata")?,
            source: self.get("source")?,
            slot: self.get("slot")?,
            enqueued_at: self.get("enqueued_at")?,
            due_at: self.get("due_at")?,
            started_at: self.get("started_at")?,
            ended_at: self.get("ended_at")?,
            worker_id: self.get("worker_id")?,
            error: self.get("error")?,
            output: self.get("output")?,
            progress: Progress::of_row(self.get("progress")?, self.get("progress_note")?),
        })
    }

    pub(super) fn attempt(&self) -> Result<AttemptRow> {
        Ok(AttemptRow {
            attempt: self.get("attempt")?,
            status: self.word("status")?,
            error_kind: self.word_or_none("error_kind")?,
            error: self.get("error")?,
            output: self.get("output")?,
            worker_id: self.get("worker_id")?,
            build: self.get("build")?,
            started_at: self.get("started_at")?,
            ended_at: self.get("ended_at")?,
        })
    }

    pub(super) fn stat(&self) -> Result<StatLine> {
        Ok(StatLine {
            state: self.word("state")?,
            queue: self.get("queue")?,
            job: self.get("job")?,
            count: u64::try_from(self.get::<i64>("count")?).unwrap_or_default(),
            oldest_due: self.get("oldest_due")?,
        })
    }

    /// The end of a job, or `None` while it has none.
    pub(super) fn outlook(&self) -> Result<(JobId, Option<Ended>)> {
        let id = self.id("id")?;
        let Some(state) = self.word_or_none("state")? else { return Ok((id, None)) };
        let ended = Ended { state, error: self.get("error")?, output: self.get("output")? };
        Ok((id, Some(ended)))
    }
}

/// All rows, each by `read`.
pub(super) fn each<T>(rows: &[PgRow], table: &'static str, read: fn(&Reader<'_>) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(|row| read(&Reader::new(row, table))).collect()
}
