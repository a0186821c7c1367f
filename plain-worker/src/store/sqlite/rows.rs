//! Rows of SQLite as the words of this crate.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::record::{AttemptRow, Ended, JobId, JobRow, StatLine};
use crate::telling::Progress;

/// Reads one row; its errors name the table and the column.
pub(super) struct Reader<'r> {
    row: &'r SqliteRow,
    table: &'static str,
}

impl<'r> Reader<'r> {
    pub(super) fn new(row: &'r SqliteRow, table: &'static str) -> Self {
        Self { row, table }
    }

    pub(super) fn wrong(&self, column: &str, reason: impl std::fmt::Display) -> Error {
        Error::Row { table: self.table, reason: format!("{column}: {reason}") }
    }

    pub(super) fn get<T>(&self, column: &str) -> Result<T>
    where
        T: sqlx::Type<sqlx::Sqlite> + sqlx::Decode<'r, sqlx::Sqlite>,
    {
        self.row.try_get(column).map_err(|error| self.wrong(column, error))
    }

    pub(super) fn word<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<T> {
        let text: String = self.get(column)?;
        text.parse().map_err(|error: T::Err| self.wrong(column, error))
    }

    pub(super) fn word_or_none<T: FromStr<Err: std::fmt::Display>>(&self, column: &str) -> Result<Option<T>> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| self.wrong(column, error))).transpose()
    }

    pub(super) fn id(&self, column: &str) -> Result<JobId> {
        self.word(column)
    }

    pub(super) fn instant(&self, column: &str) -> Result<DateTime<Utc>> {
        let micros: i64 = self.get(column)?;
        DateTime::from_timestamp_micros(micros).ok_or_else(|| self.wrong(column, "is past the end of the calendar"))
    }

    pub(super) fn instant_or_none(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        let micros: Option<i64> = self.get(column)?;
        micros.map_or(Ok(None), |_| self.instant(column).map(Some))
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
            slot: self.instant_or_none("slot")?,
            enqueued_at: self.instant("enqueued_at")?,
            due_at: self.instant("due_at")?,
            started_at: self.instant_or_none("started_at")?,
            ended_at: self.instant_or_none("ended_at")?,
            worker_id: self.word_or_none::<Uuid>("worker_id")?,
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
            worker_id: self.word_or_none::<Uuid>("worker_id")?,
            build: self.get("build")?,
            started_at: self.instant_or_none("started_at")?,
            ended_at: self.instant("ended_at")?,
        })
    }

    pub(super) fn stat(&self) -> Result<StatLine> {
        Ok(StatLine {
            state: self.word("state")?,
            queue: self.get("queue")?,
            job: self.get("job")?,
            count: u64::try_from(self.get::<i64>("count")?).unwrap_or_default(),
            oldest_due: self.instant_or_none("oldest_due")?,
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
pub(super) fn each<T>(rows: &[SqliteRow], table: &'static str, read: fn(&Reader<'_>) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(|row| read(&Reader::new(row, table))).collect()
}
