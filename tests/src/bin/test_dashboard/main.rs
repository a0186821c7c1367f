//! Pages and a worker in one process, for the tests that look at them with a real browser.

use std::time::Duration;

use plain_worker::dashboard::{Auth, Dashboard, serve};
use plain_worker::{BoxError, Queue, Worker, job};

#[job]
async fn welcome_user(user_id: i64) -> Result<String, BoxError> {
    tokio::time::sleep(Duration::from_millis(u64::try_from(user_id % 40).unwrap_or(1))).await;
    if user_id % 17 == 3 {
        Err(format!("user {user_id}: the mail server timed out").into())
    } else {
        Ok(format!("greeted {user_id}"))
    }
}

#[job(queue = "video", retries = 4, backoff = exponential("40s", cap = "1h"))]
async fn encode_video(path: String, #[redact] key: String) -> Result<(), BoxError> {
    tokio::time::sleep(Duration::from_millis(30)).await;
    let _ = key;
    if path.ends_with('7') { Err("ffmpeg ended with code 1\nstderr: no such codec".into()) } else { Ok(()) }
}

#[job(queue = "reports")]
async fn monthly_report(month: String, #[inject] ctx: plain_worker::Context) {
    let _ = month;
    // Long enough to be seen running.
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(3_600)) => {}
        () = ctx.cancelled() => {}
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let queue = Queue::connect(&std::env::var("DATABASE_URL")?).await?;
    let worker = Worker::builder(queue.clone())
        .queues(["default", "reports", "video"])
        .build("demo 1.4.2")
        .grace(Duration::ZERO);
    let worker = tokio::spawn(worker.run_until(std::future::pending()));
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned()).parse()?;
    let pages = Dashboard::new(queue, Auth::dangerously_public());
    let started = |address| println!("pages at http://{address}");
    serve(pages, listen, started, async { drop(worker.await) }).await?;
    Ok(())
}
