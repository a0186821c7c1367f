//! Whether a session lasts as long as its connection: behind a pooler that works by transactions it does not.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};
use tokio::time::timeout;

/// How long connecting may take.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a session may take to answer while another one is busy; where a pooler has no more, it waits for that.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long a farewell may take.
const FAREWELL_LIMIT: Duration = Duration::from_millis(500);
/// How often is looked; a pooler that has many idle sessions may hide it once.
const ROUNDS: u32 = 3;

/// The process of the server behind a connection; unprepared, so that poolers pass it on.
pub(super) async fn session_of(connection: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?.try_get(0)
}

/// Whether connections at that address keep their sessions.
pub(super) async fn keeps_sessions(options: &PgConnectOptions) -> sqlx::Result<bool> {
    let mut connection = connect(options).await?;
    let id = session_of(&mut connection).await?;
    let lasts = session_lasts(&mut connection, id, options).await?;
    // It was for this look only, and is closed with or without a farewell.
    let _ = timeout(FAREWELL_LIMIT, connection.close()).await;
    Ok(lasts)
}

/// Whether a connection keeps its session while another one is busy: behind such a pooler it gets another session then,
/// or none.
pub(super) async fn session_lasts(
    connection: &mut PgConnection,
    id: i32,
    options: &PgConnectOptions,
) -> sqlx::Result<bool> {
    let mut second = connect(options).await?;
    for _ in 0..ROUNDS {
        let same = async {
            sqlx::raw_sql("BEGIN").execute(&mut second).await?;
            let now = session_of(connection).await?;
            sqlx::raw_sql("COMMIT").execute(&mut second).await?;
            sqlx::Result::Ok(now == id)
        };
        match timeout(ANSWER_LIMIT, same).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) | Err(_) => return Ok(false),
            Ok(Err(error)) => return Err(error),
        }
    }
    let _ = timeout(FAREWELL_LIMIT, second.close()).await;
    Ok(true)
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let late = |late| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, late));
    timeout(CONNECT_LIMIT, PgConnection::connect_with(options)).await.map_err(late)?
}
