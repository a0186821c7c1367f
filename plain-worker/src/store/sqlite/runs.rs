//! Runs as the statements give them: lists of lists, each made by `run.sql`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::{Error, Result};
use crate::record::{Run, RunToken};

/// The fields of `run.sql`, in its order.
#[derive(Deserialize)]
struct StoredRun {
    token: RunToken,
    seq: i64,
    id: String,
    job: String,
    queue: String,
    priority: i16,
    due_at: i64,
    enqueued_at: i64,
    arguments: String,
    shape: String,
    attempt: i32,
    failures: i32,
    losses: i32,
    hand_backs: i32,
    retries: i32,
    timeout_ms: Option<u64>,
    on_lost: String,
    unique_key: Option<String>,
    unique_until: Option<String>,
    metadata: Option<String>,
    slot: Option<i64>,
    started_at: i64,
    expired: i64,
}

/// One of them, and where it stood in the queue.
pub(super) struct Claimed {
    pub(super) seq: i64,
    pub(super) run: Run,
}

/// One that cannot be read.
pub(super) struct Unreadable {
    pub(super) seq: i64,
    pub(super) token: RunToken,
    pub(super) reason: String,
}

fn instant(micros: i64, column: &str) -> Result<DateTime<Utc>, String> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| format!("{column}: is past the end of the calendar"))
}

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str, column: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{column}: {error}"))
}

impl StoredRun {
    fn read(self) -> Result<Claimed, String> {
        let until = self.unique_until.map(|until| word(&until, "unique_until")).transpose()?;
        let run = Run {
            token: self.token,
            id: word(&self.id, "id")?,
            job: self.job,
            queue: self.queue,
            priority: self.priority,
            due_at: instant(self.due_at, "due_at")?,
            enqueued_at: instant(self.enqueued_at, "enqueued_at")?,
            started_at: instant(self.started_at, "started_at")?,
            expired: self.expired != 0,
            arguments: self.arguments,
            shape: self.shape,
            attempt: self.attempt,
            failures: self.failures,
            losses: self.losses,
            hand_backs: self.hand_backs,
            retries: self.retries,
            timeout: self.timeout_ms.map(Duration::from_millis),
            on_lost: word(&self.on_lost, "on_lost")?,
            unique: self.unique_key.zip(until),
            metadata: self.metadata,
            slot: self.slot.map(|slot| instant(slot, "slot")).transpose()?,
        };
        Ok(Claimed { seq: self.seq, run })
    }
}

/// What these rows hold, and what of it cannot be read.
pub(super) fn read(rows: &[SqliteRow]) -> Result<(Vec<Claimed>, Vec<Unreadable>)> {
    let wrong = |reason: String| Error::Row { table: "job_processes", reason };
    let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows {
        let text: &str = row.try_get(0).map_err(|error| wrong(error.to_string()))?;
        let lists: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for list in lists {
            let run = serde_json::from_str(list.get()).map_err(|error| error.to_string()).and_then(StoredRun::read);
            match run {
                Ok(run) => runs.push(run),
                Err(reason) => {
                    let (token, seq) = keys_of(list).map_err(|error| wrong(error.to_string()))?;
                    unreadable.push(Unreadable { seq, token, reason });
                }
            }
        }
    }
    Ok((runs, unreadable))
}

/// The run token and the place in the queue.
fn keys_of(list: &RawValue) -> serde_json::Result<(RunToken, i64)> {
    let all: Vec<serde_json::Value> = serde_json::from_str(list.get())?;
    let key = |place: usize| all.get(place).and_then(serde_json::Value::as_i64).unwrap_or_default();
    Ok((key(0), key(1)))
}
