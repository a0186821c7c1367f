//! A web handler that stores an order and enqueues its receipt in one transaction: both exist, or neither.
//!
//! `cargo run -p examples --bin transactional`, then
//! `curl -X POST 127.0.0.1:8080/orders/7` and `curl 127.0.0.1:8080/receipts/7`.
//!
//! SQLite by default (`shop.db`); with `DATABASE_URL=postgres://..` use the
//! same code over `sqlx::PgPool`, where `pool.begin()` is enough.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use plain_worker::{BoxError, Context, Queue, Worker, job};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

/// Writes the receipt and ends itself in the same transaction: exactly one receipt an order.
#[job(retries = 5)]
async fn write_receipt(#[inject] ctx: Context, #[inject] pool: SqlitePool, order: i64) -> Result<(), BoxError> {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("INSERT INTO receipts (order_id, text) VALUES (?1, 'Thank you!')")
        .bind(order)
        .execute(&mut *tx)
        .await?;
    ctx.complete_in(&mut tx, &()).await?;
    tx.commit().await?;
    Ok(())
}

#[derive(Clone)]
struct Shop {
    pool: SqlitePool,
    queue: Queue,
}

async fn place_order(State(shop): State<Shop>, Path(order): Path<i64>) -> Result<(StatusCode, String), Refusal> {
    // A transaction that reads and then writes must begin as a writer on SQLite.
    let mut tx = shop.pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("INSERT INTO orders (id) VALUES (?1)").bind(order).execute(&mut *tx).await?;
    let receipt = write_receipt::enqueue(order).on(shop.queue.within(&mut tx)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, receipt.id().to_string()))
}

async fn show_receipt(State(shop): State<Shop>, Path(order): Path<i64>) -> Result<Json<Vec<String>>, Refusal> {
    let texts = sqlx::query_scalar("SELECT text FROM receipts WHERE order_id = ?1").bind(order);
    Ok(Json(texts.fetch_all(&shop.pool).await?))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let file = std::env::var("SHOP_FILE").unwrap_or_else(|_| "shop.db".to_owned());
    let options =
        SqliteConnectOptions::new().filename(file).create_if_missing(true).busy_timeout(Duration::from_secs(10));
    let pool = SqlitePool::connect_with(options.pragma("journal_mode", "WAL")).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)").execute(&pool).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS receipts (order_id INTEGER, text TEXT)").execute(&pool).await?;

    let queue = Queue::from_pool(&pool);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::builder(queue.clone()).state(pool.clone()).grace(Duration::from_secs(5));
    let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or_default() }));

    let listen = std::env::var("SHOP_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let app = Router::new()
        .route("/orders/{id}", post(place_order))
        .route("/receipts/{id}", get(show_receipt))
        .with_state(Shop { pool, queue });
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(interrupted).await?;

    // The web server has stopped; now the worker may.
    let _ = stop.send(());
    println!("{:?}", worker.await??);
    Ok(())
}

/// Any error of a handler as an answer.
struct Refusal(BoxError);

impl<E: Into<BoxError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> axum::response::Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}
