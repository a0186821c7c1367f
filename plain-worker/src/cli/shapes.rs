//! The JSON of jobs and attempts, which is documented and stable.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::record::{AttemptRow, JobId, JobRow};
use crate::status::{AttemptStatus, ErrorKind, JobState};
use crate::telling::Progress;

/// One job.
#[derive(Serialize)]
pub(super) struct JobShape<'r> {
    id: JobId,
    job: &'r str,
    queue: &'r str,
    state: JobState,
    priority: i16,
    arguments: Json<'r>,
    attempt: i32,
    failures: i32,
    losses: i32,
    hand_backs: i32,
    retries: i32,
    unique_key: Option<&'r str>,
    metadata: Option<Json<'r>>,
    source: Option<&'r str>,
    slot: Option<DateTime<Utc>>,
    enqueued_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    worker_id: Option<Uuid>,
    error: Option<&'r str>,
    output: Option<Json<'r>>,
    progress: Option<&'r Progress>,
}

impl<'r> From<&'r JobRow> for JobShape<'r> {
    fn from(row: &'r JobRow) -> Self {
        Self {
            id: row.id,
            job: &row.job,
            queue: &row.queue,
            state: row.state,
            priority: row.priority,
            arguments: Json(&row.arguments),
            attempt: row.attempt,
            failures: row.failures,
            losses: row.losses,
            hand_backs: row.hand_backs,
            retries: row.retries,
            unique_key: row.unique_key.as_deref(),
            metadata: row.metadata.as_deref().map(Json),
            source: row.source.as_deref(),
            slot: row.slot,
            enqueued_at: row.enqueued_at,
            due_at: row.due_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            worker_id: row.worker_id,
            error: row.error.as_deref(),
            output: row.output.as_deref().map(Json),
            progress: row.progress.as_ref(),
        }
    }
}

/// One ended attempt.
#[derive(Serialize)]
pub(super) struct AttemptShape<'r> {
    attempt: i32,
    status: AttemptStatus,
    error_kind: Option<ErrorKind>,
    error: Option<&'r str>,
    output: Option<Json<'r>>,
    worker_id: Option<Uuid>,
    build: Option<&'r str>,
    started_at: Option<DateTime<Utc>>,
    ended_at: DateTime<Utc>,
}

impl<'r> From<&'r AttemptRow> for AttemptShape<'r> {
    fn from(row: &'r AttemptRow) -> Self {
        Self {
            attempt: row.attempt,
            status: row.status,
            error_kind: row.error_kind,
            error: row.error.as_deref(),
            output: row.output.as_deref().map(Json),
            worker_id: row.worker_id,
            build: row.build.as_deref(),
            started_at: row.started_at,
            ended_at: row.ended_at,
        }
    }
}

/// JSON text, written as the JSON that it is; as a string where it is none, so that one bad row hides no other.
pub(super) struct Json<'r>(pub(super) &'r str);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(self.0) {
            Ok(value) => value.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_as_it_was_stored() {
        let text = |stored: &str| serde_json::to_string(&Json(stored)).unwrap();
        assert_eq!(text(r#"{"n":18446744073709551615,"x":1.0}"#), r#"{"n":18446744073709551615,"x":1.0}"#);
        assert_eq!(text("{broken"), r#""{broken""#);
    }
}
