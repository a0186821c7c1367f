//! Single enqueues a second, waking workers included: ours beside a bare INSERT of sqlx.

use std::time::Duration;

use plain_worker::Queue;
use sqlx::postgres::PgListener;

use super::{calls, ours};
use crate::jobs::nothing;
use crate::measure::{Contender, Figure, Scale, Unit, in_turn};
use crate::raw::postgres::Raw;
use crate::server;

async fn raw_calls(tasks: usize, span: Duration) -> anyhow::Result<f64> {
    let raw = Raw::create().await?;
    raw.settle().await?;
    let each = raw.clone();
    let rate = calls(tasks, span, move |n| {
        let raw = each.clone();
        async move { raw.insert(n).await }
    })
    .await?;
    raw.pool.close().await;
    Ok(rate)
}

async fn our_calls(tasks: usize, span: Duration) -> anyhow::Result<f64> {
    let queue = ours().await?;
    // Somebody sleeps and is to be woken; a worker that really ran the jobs would be measured along.
    let mut sleeper = PgListener::connect(&server::required()?).await?;
    sleeper.listen(queue.schema()).await?;
    let each: Queue = queue.clone();
    let rate = calls(tasks, span, move |n| {
        let queue = each.clone();
        async move {
            nothing::enqueue(n).on(&queue).await?;
            Ok(())
        }
    })
    .await?;
    queue.close().await;
    Ok(rate)
}

pub async fn measure(scale: Scale) -> anyhow::Result<Vec<Figure>> {
    let span = Duration::from_millis(scale.span_ms);
    let cases = [("enqueue, 1 task", 1, 1, 0.8), ("enqueue, 8 tasks", 8, 8, 1.0), ("enqueue, 64 tasks", 8, 64, 1.5)];
    let mut figures = Vec::new();
    for (case, clients, tasks, ratio) in cases {
        let raw = if clients == 1 { "bare INSERT, 1 client" } else { "bare INSERT, 8 clients" };
        let contenders = vec![
            Contender::new(case, raw, Unit::Rate, move || raw_calls(clients, span)),
            Contender::new(case, "plain-worker", Unit::Rate, move || our_calls(tasks, span)).aims(raw, &[ratio]),
        ];
        figures.extend(in_turn(scale.rounds, contenders).await?);
    }
    Ok(figures)
}
