//! The shortest program with durable jobs: it enqueues two, then runs the worker on them.
//!
//! `cargo run -p examples --bin welcome`

use std::time::Duration;

use plain_worker::{BoxError, Queue, Worker, job, scheduled};

#[job(retries = 3)]
async fn welcome_user(user_id: i64) -> Result<String, BoxError> {
    println!("welcome, user {user_id}!");
    Ok(format!("greeted {user_id}"))
}

#[scheduled("0 9 * * MON-FRI")]
#[job]
async fn morning_report() {}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let first = welcome_user::enqueue(7).await?;
    welcome_user { user_id: 8 }.run_in_worker().delay(Duration::from_millis(100)).await?;

    Worker::builder(Queue::process_wide().await?).run_until(tokio::time::sleep(Duration::from_secs(1))).await?;
    println!("{} said: {}", first.id(), first.wait().await?);
    Ok(())
}
