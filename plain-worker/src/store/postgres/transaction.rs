//! Enqueues and completions inside the caller's own Postgres transaction.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::{Connection, PgConnection, Row};

use super::enqueue::insert_on;
use super::run::finish_on;
use super::wake::ANNOUNCE;
use super::{BEGIN, Statements, renderer};
use crate::error::{Error, Refused, Result};
use crate::queue::{Batch, Bulk, Completion, Destination, Ending, Placed, Queue, Within};
use crate::record::{Finish, Inserted, NewRequest};
use crate::store::PAYLOAD_LIMIT;
use crate::store::fault::while_trying;
use crate::store::{Clock, Namespace};

/// The tables that a bare connection writes: those of `queue`, of the process-wide queue, or the default ones.
struct Tables {
    sql: Arc<Statements>,
    namespace: Namespace,
    payload_limit: usize,
    queue: Option<Queue>,
}

fn tables(queue: Option<Queue>) -> Tables {
    let queue = queue.or_else(|| Queue::process_wide_if_open().filter(|queue| queue.database_kind() == "postgres"));
    match queue.as_ref().and_then(|queue| queue.store().as_postgres()) {
        Some(store) => Tables {
            sql: Arc::clone(&store.sql),
            namespace: store.namespace.clone(),
            payload_limit: queue.as_ref().map_or(PAYLOAD_LIMIT, Queue::payload_limit),
            queue,
        },
        None => Tables {
            sql: Arc::new(Statements::render(renderer(&Namespace::default(), Clock::Database))),
            namespace: Namespace::default(),
            payload_limit: PAYLOAD_LIMIT,
            queue: None,
        },
    }
}

async fn place(connection: &mut PgConnection, queue: Option<Queue>, batch: Batch) -> Result<Placed> {
    let tables = tables(queue);
    batch.check(tables.payload_limit)?;
    let inserted = insert_whole(connection, &tables, &batch.requests, batch.wake).await?;
    Ok(Placed { inserted, queue: tables.queue, uncommitted: true })
}

async fn place_all(connection: &mut PgConnection, queue: Option<Queue>, bulk: Bulk) -> Result<Placed> {
    let tables = tables(queue);
    let wake = bulk.wake;
    let requests = bulk.checked(tables.payload_limit).collect::<Result<Vec<_>, Refused>>()?;
    let inserted = insert_whole(connection, &tables, &requests, wake).await?;
    Ok(Placed { inserted, queue: tables.queue, uncommitted: true })
}

/// All or none, even on a connection that is in no transaction.
///
/// In one, a failed statement has Postgres refuse all later ones until the
/// caller rolls back, so there is nothing to take back here.
async fn insert_whole(
    connection: &mut PgConnection,
    tables: &Tables,
    requests: &[NewRequest],
    wake: bool,
) -> Result<Vec<Inserted>> {
    let fault = while_trying("enqueue", "the database of this connection");
    if in_transaction(connection).await.map_err(&fault)? {
        return insert_and_wake(connection, tables, requests, wake, &fault).await;
    }
    let mut tx = connection.begin_with(BEGIN).await.map_err(&fault)?;
    let inserted = insert_and_wake(&mut tx, tables, requests, wake, &fault).await?;
    tx.commit().await.map_err(while_trying("commit", "the database of this connection"))?;
    Ok(inserted)
}

/// Whether the connection is in a transaction, also in one that sqlx was not told of.
async fn in_transaction(connection: &mut PgConnection) -> sqlx::Result<bool> {
    if connection.is_in_transaction() {
        return Ok(true);
    }
    // A statement by itself is its own transaction and begins with it; sent unprepared, it is a single step.
    sqlx::raw_sql("SELECT transaction_timestamp() < statement_timestamp()").fetch_one(connection).await?.try_get(0)
}

async fn insert_and_wake(
    connection: &mut PgConnection,
    tables: &Tables,
    requests: &[NewRequest],
    wake: bool,
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<Vec<Inserted>> {
    let inserted = insert_on(connection, &tables.sql, requests, fault).await?;
    let mut queues: Vec<&str> = requests
        .iter()
        .zip(&inserted)
        .filter(|(_, inserted)| inserted.is_new())
        .map(|(request, _)| &*request.queue)
        .collect();
    queues.sort_unstable();
    queues.dedup();
    if wake && !queues.is_empty() {
        // Heard when the transaction commits, and only then.
        sqlx::query(ANNOUNCE).bind(tables.namespace.as_str()).bind(queues).execute(connection).await.map_err(fault)?;
    }
    Ok(inserted)
}

destinations!(sqlx::Postgres, PgConnection);

async fn complete(connection: &mut PgConnection, queue: &Queue, end: Finish) -> Result<bool> {
    let Some(store) = queue.store().as_postgres() else {
        return Err(Error::Setting(format!(
            "this job is in {}, not in the database of this transaction",
            queue.describe()
        )));
    };
    let token = end.token;
    let recorded = finish_on(connection, &store.sql, &[end], false, &store.fault("complete a job")).await?;
    Ok(recorded.contains(&token))
}
