//! Enqueues and completions inside the caller's own SQLite transaction.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;

use super::enqueue::insert_on;
use super::run::finish_on;
use super::{Statements, renderer};
use crate::error::{Error, Refused, Result};
use crate::queue::{Batch, Bulk, Completion, Destination, Ending, Placed, Queue, Within};
use crate::record::{Finish, Inserted, NewRequest};
use crate::store::PAYLOAD_LIMIT;
use crate::store::fault::while_trying;
use crate::store::{Clock, Namespace};

/// The tables that a bare connection writes: those of `queue`, of the process-wide queue, or the default ones.
struct Tables {
    sql: Arc<Statements>,
    payload_limit: usize,
    queue: Option<Queue>,
}

fn tables(queue: Option<Queue>) -> Tables {
    let queue = queue.or_else(|| Queue::process_wide_if_open().filter(|queue| queue.database_kind() == "sqlite"));
    match queue.as_ref().and_then(|queue| queue.store().as_sqlite()) {
        Some(store) => Tables {
            sql: Arc::clone(&store.sql),
            payload_limit: queue.as_ref().map_or(PAYLOAD_LIMIT, Queue::payload_limit),
            queue,
        },
        None => Tables {
            sql: Arc::new(Statements::render(renderer(&Namespace::default(), Clock::Database))),
            payload_limit: PAYLOAD_LIMIT,
            queue: None,
        },
    }
}

async fn place(connection: &mut SqliteConnection, queue: Option<Queue>, batch: Batch) -> Result<Placed> {
    let tables = tables(queue);
    batch.check(tables.payload_limit)?;
    let inserted = insert_whole(connection, &tables.sql, &batch.requests).await?;
    Ok(Placed { inserted, queue: tables.queue, uncommitted: true })
}

async fn place_all(connection: &mut SqliteConnection, queue: Option<Queue>, bulk: Bulk) -> Result<Placed> {
    let tables = tables(queue);
    let requests = bulk.checked(tables.payload_limit).collect::<Result<Vec<_>, Refused>>()?;
    let inserted = insert_whole(connection, &tables.sql, &requests).await?;
    Ok(Placed { inserted, queue: tables.queue, uncommitted: true })
}

/// All or none, even on a connection that is in no transaction: a savepoint begins one then.
async fn insert_whole(
    connection: &mut SqliteConnection,
    sql: &Statements,
    requests: &[NewRequest],
) -> Result<Vec<Inserted>> {
    let fault = while_trying("enqueue", "the database of this connection");
    sqlx::query("SAVEPOINT plain_worker_enqueue").execute(&mut *connection).await.map_err(&fault)?;
    match insert_on(connection, sql, requests, &fault).await {
        Ok(inserted) => {
            sqlx::query("RELEASE plain_worker_enqueue").execute(connection).await.map_err(&fault)?;
            Ok(inserted)
        }
        Err(error) => {
            // The first error is the one to tell; this one can only follow from it.
            let _ = sqlx::raw_sql("ROLLBACK TO plain_worker_enqueue; RELEASE plain_worker_enqueue")
                .execute(connection)
                .await;
            Err(error)
        }
    }
}

destinations!(sqlx::Sqlite, SqliteConnection);

async fn complete(connection: &mut SqliteConnection, queue: &Queue, end: Finish) -> Result<bool> {
    let Some(store) = queue.store().as_sqlite() else {
        return Err(Error::Setting(format!(
            "this job is in {}, not in the database of this transaction",
            queue.describe()
        )));
    };
    let token = end.token;
    let recorded = finish_on(connection, &store.sql, &[end], &store.fault("complete a job")).await?;
    Ok(recorded.contains(&token))
}
