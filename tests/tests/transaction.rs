//! Enqueues and completions inside the caller's own transaction, beside the application's own migrations.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use plain_worker::{BoxError, Context, JobFilter, JobState, Queue, WaitError, Worker, job};
use plain_worker_tests::{Database, until_true};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Executor, PgPool, SqlitePool};

#[job]
async fn receipt(n: i64) -> i64 {
    n
}

/// Completes itself in its transaction, which is then committed or not.
#[job(retries = 0)]
async fn charge(#[inject] ctx: Context, #[inject] pool: AnyPool, order: i64, commit: bool) -> Result<String, BoxError> {
    let done = format!("charged {order}");
    match pool {
        AnyPool::Sqlite(pool) => {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query("INSERT INTO charges VALUES (?1)").bind(order).execute(&mut *tx).await?;
            ctx.complete_in(&mut tx, &done).await?;
            if commit { tx.commit().await? } else { tx.rollback().await? }
        }
        AnyPool::Postgres(pool) => {
            let mut tx = pool.begin().await?;
            sqlx::query("INSERT INTO charges VALUES ($1)").bind(order).execute(&mut *tx).await?;
            ctx.complete_in(&mut tx, &done).await?;
            if commit { tx.commit().await? } else { tx.rollback().await? }
        }
    }
    Ok(done)
}

/// The pool of the application, of either kind.
#[derive(Clone)]
enum AnyPool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

async fn sqlite_pool(database: &Database) -> SqlitePool {
    let options: SqliteConnectOptions = database.url.parse().unwrap();
    let options = options.create_if_missing(true).busy_timeout(Duration::from_secs(20)).pragma("journal_mode", "WAL");
    SqlitePool::connect_with(options).await.unwrap()
}

fn worker(
    queue: &Queue,
    pool: AnyPool,
) -> impl Future<Output = plain_worker::Result<plain_worker::WorkerReport>> + use<> {
    Worker::builder(queue.clone()).state(pool).drain().run_until(std::future::pending())
}

async fn jobs(queue: &Queue) -> usize {
    queue.list(JobFilter::new(), None, 100).await.unwrap().len()
}

/// What every store must do, with its own kind of transaction.
macro_rules! transactions {
    ($store:ident: $db:ty, $database:expr, $pool:expr, $any:path, $begin:expr, $insert:literal $(, #[$ignore:meta])?) => {
        mod $store {
            use super::*;

            async fn set_up() -> (Database, Queue, AnyPool, sqlx::Pool<$db>) {
                let database = $database;
                let pool = $pool(&database).await;
                pool.execute("CREATE TABLE charges (id BIGINT)").await.unwrap();
                let queue = Queue::from_pool(&pool);
                queue.migrate().await.unwrap();
                let any = $any(pool.clone());
                (database, queue, any, pool)
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$ignore])?
            async fn a_commit_makes_the_job_and_a_rollback_leaves_nothing() {
                let (_database, queue, pool, own) = set_up().await;
                let mut tx = $begin(&own).await.unwrap();
                sqlx::query($insert).bind(1_i64).execute(&mut *tx).await.unwrap();
                let kept = receipt::enqueue(1).on(queue.within(&mut tx)).await.unwrap();
                assert!(matches!(kept.wait().await, Err(WaitError::Uncommitted { .. })));
                tx.commit().await.unwrap();
                let mut tx = $begin(&own).await.unwrap();
                let gone = receipt::enqueue(2).on(queue.within(&mut tx)).await.unwrap();
                receipt::enqueue_all((3..100).map(|n| receipt { n })).on(queue.within(&mut tx)).await.unwrap();
                tx.rollback().await.unwrap();
                assert!(matches!(gone.wait().await, Err(WaitError::Uncommitted { .. })));
                assert_eq!(worker(&queue, pool).await.unwrap().succeeded, 1);
                assert_eq!((kept.wait().await.unwrap(), jobs(&queue).await), (1, 1));
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$ignore])?
            async fn a_bare_transaction_takes_the_default_tables_and_a_connection_does_too() {
                let (_database, queue, _pool, own) = set_up().await;
                let mut tx = $begin(&own).await.unwrap();
                receipt::enqueue(1).on(&mut tx).await.unwrap();
                receipt::enqueue(2).on(&mut *tx).await.unwrap();
                tx.commit().await.unwrap();
                assert_eq!(jobs(&queue).await, 2);
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$ignore])?
            async fn a_refused_enqueue_leaves_the_transaction_usable() {
                let (_database, queue, _pool, own) = set_up().await;
                let mut tx = $begin(&own).await.unwrap();
                assert!(receipt::enqueue(1).queue("").on(queue.within(&mut tx)).await.is_err());
                assert!(receipt::enqueue(2).unique_key("k").on(queue.within(&mut tx)).await.unwrap().inserted().is_new());
                assert!(!receipt::enqueue(3).unique_key("k").on(queue.within(&mut tx)).await.unwrap().inserted().is_new());
                tx.commit().await.unwrap();
                assert_eq!(jobs(&queue).await, 1);
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$ignore])?
            async fn a_sleeping_worker_is_woken_by_the_commit() {
                let (_database, queue, pool, own) = set_up().await;
                let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
                let running = tokio::spawn(
                    Worker::builder(queue.clone()).state(pool).run_until(async { stopped.await.unwrap_or_default() }),
                );
                let first = receipt::enqueue(0).on(&queue).await.unwrap();
                first.wait().await.unwrap();
                let mut fastest = Duration::MAX;
                for n in 1..=5 {
                    let mut tx = $begin(&own).await.unwrap();
                    let handle = receipt::enqueue(n).on(queue.within(&mut tx)).await.unwrap();
                    let since = Instant::now();
                    tx.commit().await.unwrap();
                    until_true("it has run", || async { handle.status().await.unwrap() == JobState::Succeeded }).await;
                    fastest = fastest.min(since.elapsed());
                }
                // The poll alone would need half a second on average: five times in a row it does not.
                assert!(fastest < Duration::from_millis(500), "{fastest:?}");
                stop.send(()).unwrap();
                running.await.unwrap().unwrap();
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$ignore])?
            async fn a_job_completes_itself_with_its_writes_or_not_at_all() {
                let (_database, queue, pool, _own) = set_up().await;
                let kept = charge::enqueue(1, true).on(&queue).await.unwrap();
                let lost = charge::enqueue(2, false).on(&queue).await.unwrap();
                worker(&queue, pool.clone()).await.unwrap();
                assert_eq!(kept.wait().await.unwrap(), "charged 1");
                assert_eq!(queue.attempts(kept.id()).await.unwrap().len(), 1);
                assert!(matches!(lost.wait().await, Err(WaitError::Ended { error, .. }) if error.contains("not committed")));
                let count = "SELECT count(*) FROM charges";
                let charges: i64 = match pool {
                    AnyPool::Sqlite(pool) => sqlx::query_scalar(count).fetch_one(&pool).await.unwrap(),
                    AnyPool::Postgres(pool) => sqlx::query_scalar(count).fetch_one(&pool).await.unwrap(),
                };
                assert_eq!(charges, 1);
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$ignore])?
            async fn the_applications_own_migrations_work_before_and_after_ours() {
                for ours_first in [true, false] {
                    let database = $database;
                    let pool = $pool(&database).await;
                    let queue = Queue::from_pool(&pool);
                    if ours_first {
                        assert!(!queue.migrate().await.unwrap().is_empty());
                    }
                    migrator().run(&pool).await.unwrap();
                    queue.migrate().await.unwrap();
                    migrator().run(&pool).await.unwrap();
                    let theirs: i64 =
                        sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&pool).await.unwrap();
                    assert_eq!(theirs, 1);
                    assert!(receipt::enqueue(1).on(&queue).await.is_ok());
                }
            }
        }
    };
}

fn migrator() -> Migrator {
    let migration = Migration::new(
        1,
        Cow::Borrowed("theirs"),
        MigrationType::Simple,
        sqlx::SqlStr::from_static("CREATE TABLE users (id INTEGER)"),
        false,
    );
    Migrator { migrations: Cow::Owned(vec![migration]), ..Migrator::DEFAULT }
}

async fn begin_sqlite(pool: &SqlitePool) -> sqlx::Result<sqlx::Transaction<'static, sqlx::Sqlite>> {
    pool.begin_with("BEGIN IMMEDIATE").await
}

async fn begin_postgres(pool: &PgPool) -> sqlx::Result<sqlx::Transaction<'static, sqlx::Postgres>> {
    pool.begin().await
}

async fn postgres_pool(database: &Database) -> PgPool {
    PgPool::connect(&database.url).await.unwrap()
}

transactions! {
    sqlite: sqlx::Sqlite, Database::sqlite(), sqlite_pool, AnyPool::Sqlite, begin_sqlite,
    "INSERT INTO charges VALUES (?1)"
}

transactions! {
    postgres: sqlx::Postgres, Database::postgres().await, postgres_pool, AnyPool::Postgres, begin_postgres,
    "INSERT INTO charges VALUES ($1)", #[ignore = "needs Postgres: run tests/run"]
}
