use std::collections::{HashMap, HashSet};

use sqlx::postgres::{PgBindIterExt, PgConnection};
use sqlx::types::chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::rows::Reader;
use super::{PostgresStore, Statements, giving_way, micros, safe, uuids};
use crate::error::{Error, Refused, Result};
use crate::record::{Due, Inserted, JobId, NewRequest};
use crate::status::JobState;
use crate::store::Requests;

/// How many requests one statement puts in.
const PIECE: usize = 5_000;
/// How many bytes of arguments one statement puts in, so that memory stays bounded.
const PIECE_BYTES: usize = 8 * 1024 * 1024;
/// How often a key is taken anew whose holder vanished in that moment.
const KEY_TRIES: u32 = 10;

/// Who stands in the way of a request, and where that job stands (once it is stored).
type Holders = HashMap<JobId, (JobId, Option<JobState>)>;

/// What became of the wish for unique keys.
#[derive(Default)]
struct Keys {
    /// The requests that hold their key only since now.
    taken: HashSet<JobId>,
    /// The requests whose key is held by another job.
    blocked: Holders,
}

fn size(request: &NewRequest) -> usize {
    request.arguments.len() + request.metadata.as_ref().map_or(0, String::len)
}

/// How many of the requests one statement puts in.
fn piece(requests: &[&NewRequest]) -> usize {
    let mut bytes = 0;
    let fits = requests.iter().take(PIECE).take_while(|request| {
        bytes += size(request);
        bytes <= PIECE_BYTES
    });
    fits.count().max(1).min(requests.len())
}

/// A time that Postgres can hold; what is due in the past is due now.
fn storable(at: DateTime<Utc>) -> DateTime<Utc> {
    at.max(DateTime::UNIX_EPOCH)
}

fn due_at(due: Due) -> Option<DateTime<Utc>> {
    if let Due::At(at) = due { Some(storable(at)) } else { None }
}

fn due_in(due: Due) -> Option<i64> {
    if let Due::In(delay) = due { Some(micros(delay)) } else { None }
}

fn retries(request: &NewRequest) -> i32 {
    i32::try_from(request.retries).unwrap_or(i32::MAX)
}

/// In milliseconds: at least 1, as the builder saw to.
fn timeout(request: &NewRequest) -> Option<i64> {
    request.timeout.map(|limit| micros(limit) / 1_000)
}

/// Puts in one piece that is new: it cannot be stored already.
async fn insert_new(
    connection: &mut PgConnection,
    sql: &Statements,
    rows: &[&NewRequest],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<()> {
    let Some((first, rest)) = rows.split_first() else { return Ok(()) };
    let one = rest.is_empty() && first.due == Due::Now && first.unique.is_none();
    if !one && (rest.is_empty() || !rest.iter().all(|row| row.alike(first))) {
        return insert_rows(connection, sql, rows, fault).await;
    }
    let query = sqlx::query(safe(if one { &sql.insert_one } else { &sql.insert_alike }));
    let query = if one {
        query.bind(first.id.as_uuid())
    } else {
        query.bind(rows.iter().map(|row| *row.id.as_uuid()).bind_iter())
    };
    let query = query.bind(&*first.job).bind(&*first.queue).bind(first.priority).bind(first.expires_in.map(micros));
    let query = if one {
        query.bind(first.arguments.as_str())
    } else {
        query.bind(rows.iter().map(|row| row.arguments.as_str()).bind_iter())
    };
    let query = query
        .bind(&*first.shape)
        .bind(retries(first))
        .bind(timeout(first))
        .bind(first.on_lost.as_str())
        .bind(first.metadata.as_deref())
        .bind(first.source.as_deref())
        .bind(first.trace_context.as_deref())
        .bind(first.slot.map(storable));
    let query = if one { query } else { query.bind(due_at(first.due)).bind(due_in(first.due)) };
    query.execute(connection).await.map(drop).map_err(fault)
}

/// Puts in one piece; what is stored already stays as it is.
async fn insert_rows(
    connection: &mut PgConnection,
    sql: &Statements,
    rows: &[&NewRequest],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<()> {
    sqlx::query(safe(&sql.insert))
        .bind(rows.iter().map(|row| *row.id.as_uuid()).bind_iter())
        .bind(rows.iter().map(|row| &*row.job).bind_iter())
        .bind(rows.iter().map(|row| &*row.queue).bind_iter())
        .bind(rows.iter().map(|row| row.priority).bind_iter())
        .bind(rows.iter().map(|row| due_at(row.due)).bind_iter())
        .bind(rows.iter().map(|row| due_in(row.due)).bind_iter())
        .bind(rows.iter().map(|row| row.expires_in.map(micros)).bind_iter())
        .bind(rows.iter().map(|row| row.arguments.as_str()).bind_iter())
        .bind(rows.iter().map(|row| &*row.shape).bind_iter())
        .bind(rows.iter().map(|row| retries(row)).bind_iter())
        .bind(rows.iter().map(|row| timeout(row)).bind_iter())
        .bind(rows.iter().map(|row| row.on_lost.as_str()).bind_iter())
        .bind(rows.iter().map(|row| row.unique.as_ref().map(|(key, _)| key.as_str())).bind_iter())
        .bind(rows.iter().map(|row| row.unique.as_ref().map(|(_, until)| until.as_str())).bind_iter())
        .bind(rows.iter().map(|row| row.metadata.as_deref()).bind_iter())
        .bind(rows.iter().map(|row| row.source.as_deref()).bind_iter())
        .bind(rows.iter().map(|row| row.trace_context.as_deref()).bind_iter())
        .bind(rows.iter().map(|row| row.slot.map(storable)).bind_iter())
        .execute(connection)
        .await
        .map(drop)
        .map_err(fault)
}

/// The columns of a wish for keys.
fn wishes<'r>(requests: &[&'r NewRequest]) -> (Vec<&'r str>, Vec<&'r str>, Vec<Uuid>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for request in requests {
        if let Some((key, _)) = &request.unique {
            columns.0.push(&*request.job);
            columns.1.push(key.as_str());
            columns.2.push(*request.id.as_uuid());
        }
    }
    columns
}

/// Who holds the keys of which request.
async fn holders(
    connection: &mut PgConnection,
    sql: &Statements,
    requests: &[&NewRequest],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<Holders> {
    let mut all = HashMap::new();
    for piece in requests.chunks(PIECE) {
        let (jobs, keys, ids) = wishes(piece);
        let rows = sqlx::query(safe(&sql.key_holders))
            .bind(jobs)
            .bind(keys)
            .bind(ids)
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        for row in &rows {
            let row = Reader::new(row, "unique_keys");
            all.insert(row.id("wanted")?, (row.id("holder")?, row.word_or_none("state")?));
        }
    }
    Ok(all)
}

/// Takes the keys of these requests, or finds who holds them.
async fn take_keys(
    connection: &mut PgConnection,
    sql: &Statements,
    requests: &[&NewRequest],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<Keys> {
    let mut got = Keys::default();
    let mut wanted: Vec<_> = requests.iter().copied().filter(|request| request.unique.is_some()).collect();
    // Everybody takes them in this order, so that nobody waits for whom they block. Equal ones stay in that of the enqueue.
    wanted.sort_by(|a, b| {
        let key = |request: &'_ NewRequest| request.unique.as_ref().map(|(key, _)| key.clone());
        (&a.job, key(a)).cmp(&(&b.job, key(b)))
    });
    for _ in 0..KEY_TRIES {
        for piece in wanted.chunks(PIECE) {
            let (jobs, keys, ids) = wishes(piece);
            let rows = sqlx::query(safe(&sql.insert_keys))
                .bind(jobs)
                .bind(keys)
                .bind(ids)
                .fetch_all(&mut *connection)
                .await
                .map_err(fault)?;
            for row in &rows {
                got.taken.insert(Reader::new(row, "unique_keys").id("id")?);
            }
        }
        wanted.retain(|request| !got.taken.contains(&request.id));
        if wanted.is_empty() {
            return Ok(got);
        }
        // A statement of its own sees what was committed while the one before waited.
        let mut found = holders(connection, sql, &wanted, fault).await?;
        wanted.retain(|request| match found.remove(&request.id) {
            Some((holder, state)) => {
                if holder != request.id {
                    got.blocked.insert(request.id, (holder, state));
                }
                false
            }
            // The holder ended in between.
            None => true,
        });
        if wanted.is_empty() {
            return Ok(got);
        }
    }
    Err(Error::Conflict {
        doing: "enqueue",
        hint: "",
        source: "the holder of a unique key changed all the time".into(),
    })
}

/// Puts requests in on a connection that is in a transaction.
pub(super) async fn insert_on(
    connection: &mut PgConnection,
    sql: &Statements,
    requests: &[NewRequest],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<Vec<Inserted>> {
    insert_with_keys(connection, sql, requests, false, fault).await.map(|(inserted, _)| inserted)
}

async fn insert_with_keys(
    connection: &mut PgConnection,
    sql: &Statements,
    requests: &[NewRequest],
    again: bool,
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<(Vec<Inserted>, HashSet<JobId>)> {
    let all: Vec<_> = requests.iter().collect();
    let Keys { taken, mut blocked } = take_keys(connection, sql, &all, fault).await?;
    let free: Vec<_> = all.iter().copied().filter(|request| !blocked.contains_key(&request.id)).collect();
    let mut rest = &free[..];
    while !rest.is_empty() {
        let (rows, later) = rest.split_at(piece(rest));
        if again {
            insert_rows(connection, sql, rows, fault).await?;
        } else {
            insert_new(connection, sql, rows, fault).await?;
        }
        rest = later;
    }
    // Keys that are held by a request of this very batch: it is stored only now.
    let unseen: Vec<_> =
        all.into_iter().filter(|request| matches!(blocked.get(&request.id), Some((_, None)))).collect();
    if !unseen.is_empty() {
        blocked.extend(holders(connection, sql, &unseen, fault).await?);
    }
    let inserted = requests
        .iter()
        .map(|request| match blocked.get(&request.id) {
            None => Ok(Inserted::New(request.id)),
            Some((holder, Some(state))) => Ok(Inserted::Existing(*holder, *state)),
            Some((holder, None)) => {
                Err(Error::Row { table: "unique_keys", reason: format!("job {holder}, which holds a key, is nowhere") })
            }
        })
        .collect::<Result<_>>()?;
    Ok((inserted, taken))
}

/// An error of a statement that commits by itself: a lost connection leaves open whether it did.
fn in_doubt(error: sqlx::Error, fault: &impl Fn(sqlx::Error) -> Error) -> Error {
    let code = error.as_database_error().map(|error| error.code().unwrap_or_default().into_owned());
    match fault(error) {
        Error::Unavailable { source, .. }
            if code.is_none_or(|code| code.starts_with("57P") || code.starts_with("08")) =>
        {
            Error::Unavailable { doing: "commit", source }
        }
        other => other,
    }
}

impl PostgresStore {
    pub(super) async fn insert_batch(&self, batch: &[NewRequest], again: bool) -> Result<Vec<Inserted>> {
        let rows: Vec<_> = batch.iter().collect();
        if again {
            giving_way!(self, self.insert_anew(batch))
        } else if batch.iter().any(|request| request.unique.is_some()) || piece(&rows) < rows.len() {
            giving_way!(self, self.insert_in_transaction(batch))
        } else {
            giving_way!(self, self.insert_at_once(&rows))
        }
    }

    async fn insert_at_once(&self, rows: &[&NewRequest]) -> Result<Vec<Inserted>> {
        let fault = self.fault("enqueue");
        let mut alone = self.alone("enqueue").await?;
        insert_new(alone.connection(), &self.sql, rows, &|error| in_doubt(error, &fault)).await?;
        alone.done(self).await?;
        Ok(rows.iter().map(|row| Inserted::New(row.id)).collect())
    }

    async fn insert_in_transaction(&self, batch: &[NewRequest]) -> Result<Vec<Inserted>> {
        let mut tx = self.begin("enqueue").await?;
        let inserted = insert_on(&mut tx, &self.sql, batch, &self.fault("enqueue")).await?;
        self.commit(tx).await?;
        Ok(inserted)
    }

    /// Puts in what an earlier try, whose answer was lost, may have put in already.
    ///
    /// That try may be about to commit in this moment, and its jobs may be
    /// claimed in the next. So the requests go in first, which waits for it to
    /// end; what then shows to run or to have ended is taken out again.
    async fn insert_anew(&self, batch: &[NewRequest]) -> Result<Vec<Inserted>> {
        let fault = self.fault("enqueue");
        let mut tx = self.begin("enqueue").await?;
        let (mut inserted, taken) = insert_with_keys(&mut tx, &self.sql, batch, true, &fault).await?;
        let ids: Vec<_> = batch.iter().map(|request| request.id).collect();
        let rows = sqlx::query(safe(&self.sql.present)).bind(uuids(&ids)).fetch_all(&mut *tx).await.map_err(&fault)?;
        let present: HashSet<JobId> =
            rows.iter().map(|row| Reader::new(row, "jobs").id("id")).collect::<Result<_>>()?;
        if !present.is_empty() {
            let ids: Vec<_> = present.iter().copied().collect();
            sqlx::query(safe(&self.sql.insert_undo)).bind(uuids(&ids)).execute(&mut *tx).await.map_err(&fault)?;
            let freed: Vec<_> =
                batch.iter().filter(|request| present.contains(&request.id) && taken.contains(&request.id)).collect();
            let (jobs, keys, ids) = wishes(&freed);
            sqlx::query(safe(&self.sql.free_keys))
                .bind(jobs)
                .bind(keys)
                .bind(ids)
                .execute(&mut *tx)
                .await
                .map_err(&fault)?;
            for (request, answer) in batch.iter().zip(&mut inserted) {
                if present.contains(&request.id) {
                    *answer = Inserted::New(request.id);
                }
            }
        }
        self.commit(tx).await?;
        Ok(inserted)
    }

    /// Puts in what an iterator gives; the next piece is made while the database works on the one before.
    pub(super) async fn insert_stream(&self, requests: Requests) -> Result<Vec<Inserted>> {
        let fault = self.fault("enqueue");
        let mut inserted = Vec::with_capacity(requests.size_hint().0.min(1_000_000));
        let (give, mut pieces) = mpsc::channel(1);
        let make = move || {
            let mut requests = requests.fuse();
            loop {
                let (mut piece, mut bytes) = (Vec::new(), 0);
                while piece.len() < PIECE && bytes < PIECE_BYTES {
                    let Some(request) = requests.next() else { break };
                    let request = request?;
                    bytes += size(&request);
                    piece.push(request);
                }
                // Nobody takes them when the database refused those before.
                if piece.is_empty() || give.blocking_send(piece).is_err() {
                    return Ok::<_, Refused>(());
                }
            }
        };
        let maker = std::thread::Builder::new().name("plain-worker enqueue".to_owned()).spawn(make);
        let maker =
            maker.map_err(|error| Error::Setting(format!("no thread could be started for an enqueue: {error}")))?;
        let mut tx = self.begin("enqueue").await?;
        while let Some(piece) = pieces.recv().await {
            inserted.extend(insert_on(&mut tx, &self.sql, &piece, &fault).await?);
        }
        // It has ended, or is about to: it has let go of the channel.
        match maker.join() {
            Ok(ended) => ended?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        self.commit(tx).await?;
        Ok(inserted)
    }
}
