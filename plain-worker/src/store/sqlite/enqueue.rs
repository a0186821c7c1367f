use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::SqliteConnection;

use super::rows::Reader;
use super::{SqliteStore, Statements, json, micros, safe};
use crate::error::{Error, Result};
use crate::record::{Due, Inserted, JobId, NewRequest};
use crate::status::JobState;
use crate::store::Requests;

/// How many requests one statement puts in.
const PIECE: usize = 1_000;

/// A request as `insert.sql` reads it.
#[derive(Serialize)]
struct StoredRequest<'r> {
    id: JobId,
    job: &'r str,
    queue: &'r str,
    priority: i16,
    due_at: Option<i64>,
    due_in: Option<i64>,
    expires_in: Option<i64>,
    arguments: &'r str,
    shape: &'r str,
    retries: u32,
    timeout_ms: Option<i64>,
    on_lost: &'r str,
    unique_key: Option<&'r str>,
    unique_until: Option<&'r str>,
    metadata: Option<&'r str>,
    source: Option<&'r str>,
    trace_context: Option<&'r str>,
    slot: Option<i64>,
}

impl<'r> StoredRequest<'r> {
    fn of(request: &'r NewRequest) -> Self {
        let (due_at, due_in) = match request.due {
            Due::Now => (None, None),
            Due::In(delay) => (None, Some(micros(delay))),
            Due::At(at) => (Some(at.timestamp_micros()), None),
        };
        Self {
            id: request.id,
            job: &request.job,
            queue: &request.queue,
            priority: request.priority,
            due_at,
            due_in,
            expires_in: request.expires_in.map(micros),
            arguments: &request.arguments,
            shape: &request.shape,
            retries: request.retries,
            // At least 1 ms, as the builder saw to.
            timeout_ms: request.timeout.map(|limit| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)),
            on_lost: request.on_lost.as_str(),
            unique_key: request.unique.as_ref().map(|(key, _)| key.as_str()),
            unique_until: request.unique.as_ref().map(|(_, until)| until.as_str()),
            metadata: request.metadata.as_deref(),
            source: request.source.as_deref(),
            trace_context: request.trace_context.as_deref(),
            slot: request.slot.map(|slot| slot.timestamp_micros()),
        }
    }
}

/// The first of requests that differ in their ids and arguments only, are due now and hold no key.
fn alike(requests: &[NewRequest]) -> Option<&NewRequest> {
    let (first, rest) = requests.split_first()?;
    (first.due == Due::Now && first.unique.is_none() && rest.iter().all(|request| request.alike(first)))
        .then_some(first)
}

/// Puts requests in on a connection that is in a transaction.
pub(super) async fn insert_on(
    connection: &mut SqliteConnection,
    sql: &Statements,
    requests: &[NewRequest],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<Vec<Inserted>> {
    let mut all = Vec::with_capacity(requests.len());
    for piece in requests.chunks(PIECE) {
        if let Some(first) = alike(piece) {
            insert_alike(connection, sql, piece, first, fault).await?;
            all.extend(piece.iter().map(|request| Inserted::New(request.id)));
            continue;
        }
        let rows = json(&piece.iter().map(StoredRequest::of).collect::<Vec<_>>());
        let unique = piece.iter().any(|request| request.unique.is_some());
        if unique {
            sqlx::query(safe(&sql.insert_keys)).bind(&rows).execute(&mut *connection).await.map_err(fault)?;
        }
        sqlx::query(safe(&sql.insert)).bind(&rows).execute(&mut *connection).await.map_err(fault)?;
        let holders = if unique { holders(connection, sql, &rows, fault).await? } else { HashMap::new() };
        all.extend(piece.iter().map(|request| match holders.get(&request.id) {
            Some((holder, state)) => Inserted::Existing(*holder, *state),
            None => Inserted::New(request.id),
        }));
    }
    Ok(all)
}

/// Puts in what differs in ids and arguments only.
async fn insert_alike(
    connection: &mut SqliteConnection,
    sql: &Statements,
    requests: &[NewRequest],
    first: &NewRequest,
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<()> {
    let stored = StoredRequest::of(first);
    sqlx::query(safe(&sql.insert_alike))
        .bind(json(&requests.iter().map(|request| (request.id, request.arguments.as_str())).collect::<Vec<_>>()))
        .bind(stored.job)
        .bind(stored.queue)
        .bind(stored.priority)
        .bind(stored.expires_in)
        .bind(stored.shape)
        .bind(stored.retries)
        .bind(stored.timeout_ms)
        .bind(stored.on_lost)
        .bind(stored.metadata)
        .bind(stored.source)
        .bind(stored.trace_context)
        .bind(stored.slot)
        .execute(connection)
        .await
        .map(drop)
        .map_err(fault)
}

/// Whose key stood in the way of which request.
async fn holders(
    connection: &mut SqliteConnection,
    sql: &Statements,
    rows: &str,
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<HashMap<JobId, (JobId, JobState)>> {
    let found = sqlx::query(safe(&sql.key_holders)).bind(rows).fetch_all(connection).await.map_err(fault)?;
    found
        .iter()
        .map(|row| {
            let row = Reader::new(row, "unique_keys");
            Ok((row.id("wanted")?, (row.id("holder")?, row.word("state")?)))
        })
        .collect()
}

impl SqliteStore {
    pub(super) async fn insert_batch(&self, batch: &[NewRequest], again: bool) -> Result<Vec<Inserted>> {
        let fault = self.fault("enqueue");
        if let Some(first) = alike(batch).filter(|_| !again && batch.len() <= PIECE) {
            // One statement is a transaction by itself.
            let mut alone = self.alone("enqueue").await?;
            insert_alike(&mut alone.connection, &self.sql, batch, first, &fault).await?;
            return Ok(batch.iter().map(|request| Inserted::New(request.id)).collect());
        }
        let mut write = self.write("enqueue").await?;
        let inserted = if again {
            // The first try may have been committed, and its jobs may stand anywhere by now.
            let ids = json(&batch.iter().map(|request| request.id).collect::<Vec<_>>());
            let present =
                sqlx::query(safe(&self.sql.present)).bind(ids).fetch_all(&mut *write.tx).await.map_err(&fault)?;
            let present: HashSet<JobId> =
                present.iter().map(|row| Reader::new(row, "job_requests").id("id")).collect::<Result<_>>()?;
            let missing: Vec<_> = batch.iter().filter(|request| !present.contains(&request.id)).cloned().collect();
            let mut inserted = insert_on(&mut write.tx, &self.sql, &missing, &fault).await?.into_iter();
            batch
                .iter()
                .map(|request| {
                    if present.contains(&request.id) {
                        Inserted::New(request.id)
                    } else {
                        inserted.next().unwrap_or(Inserted::New(request.id))
                    }
                })
                .collect()
        } else {
            insert_on(&mut write.tx, &self.sql, batch, &fault).await?
        };
        write.commit(self).await?;
        Ok(inserted)
    }

    pub(super) async fn insert_stream(&self, mut requests: Requests) -> Result<Vec<Inserted>> {
        let fault = self.fault("enqueue");
        let mut write = self.write("enqueue").await?;
        let mut inserted = Vec::new();
        loop {
            let piece = requests.by_ref().take(PIECE).collect::<std::result::Result<Vec<_>, _>>()?;
            if piece.is_empty() {
                break;
            }
            inserted.extend(insert_on(&mut write.tx, &self.sql, &piece, &fault).await?);
        }
        write.commit(self).await?;
        Ok(inserted)
    }
}
