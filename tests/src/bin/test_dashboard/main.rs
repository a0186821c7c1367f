//! Pages and a worker in one process, to be looked at with a real browser: `test_dashboard [ADDRESS [JOBS]]`.
//!
//! `DATABASE_URL` names the database; so many mixed jobs are enqueued before the pages are served.

use std::time::Duration;

use plain_worker::dashboard::{Auth, Dashboard, serve};
use plain_worker::{BoxError, Queue, Worker, job, scheduled};

#[job]
#[scheduled("* * * * *", name = "greet often", args(user_id = 3))]
#[scheduled("0 9 * * MON-FRI", name = "greet at nine", tz = "Europe/Berlin", args(user_id = 5))]
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
#[scheduled("0 4 1 * *", name = "monthly report", tz = "America/New_York", args(month = "this"))]
async fn monthly_report(month: String, #[inject] ctx: plain_worker::Context) {
    let _ = month;
    // Long enough to be seen running.
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(3_600)) => {}
        () = ctx.cancelled() => {}
    }
}

/// Mixed jobs, the oldest first: most end well, some fail, some wait for long, a few have hostile arguments.
async fn mixed(queue: &Queue, count: i64) -> plain_worker::Result<()> {
    const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> \u{202e} \u{0} é";
    welcome_user::enqueue_all((0..count * 7 / 10).map(|user_id| welcome_user { user_id })).on(queue).await?;
    let video = |n: i64| encode_video { path: format!("/media/{n}"), key: "secret".to_owned() };
    encode_video::enqueue_all((0..count * 2 / 10).map(video)).on(queue).await?;
    for n in 0..=count / 1_000 {
        encode_video::enqueue(format!("{HOSTILE}{n}"), HOSTILE.to_owned()).on(queue).await?;
        encode_video::enqueue("x".repeat(100_000), String::new()).priority(5).on(queue).await?;
        monthly_report::enqueue(format!("2026-{:02}", n % 12 + 1))
            .unique_key(HOSTILE.replace('\0', ""))
            .on(queue)
            .await?;
    }
    let later = |user_id| welcome_user { user_id };
    welcome_user::enqueue_all((0..count / 20).map(later)).delay(Duration::from_secs(5_400)).on(queue).await?;
    welcome_user::enqueue_all((0..count / 20).map(later)).queue("nobody serves this").on(queue).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let queue = Queue::connect(&std::env::var("DATABASE_URL")?).await?;
    if let Some(count) = std::env::args().nth(2) {
        mixed(&queue, count.parse()?).await?;
    }
    let worker = Worker::builder(queue.clone())
        .queues(["default", "reports", "video"])
        .build("demo 1.4.2")
        .grace(Duration::ZERO);
    let worker = tokio::spawn(worker.run_until(std::future::pending()));
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned()).parse()?;
    let pages = Dashboard::new(queue, Auth::dangerously_public()).enqueue();
    let started = |address| println!("pages at http://{address}");
    serve(pages, listen, started, async { drop(worker.await) }).await?;
    Ok(())
}
