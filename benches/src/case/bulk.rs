//! Rows a second of `enqueue_all`, beside UNNEST of 1,000 rows a statement.

use std::time::Instant;

use super::{fill, ours};
use crate::measure::{Contender, Figure, Scale, Unit, in_turn, rate};
use crate::raw::postgres::Raw;

const CASE: &str = "bulk enqueue";

async fn raw_bulk(rows: u32) -> anyhow::Result<f64> {
    let raw = Raw::create().await?;
    raw.settle().await?;
    let since = Instant::now();
    raw.insert_many(rows).await?;
    let rate = rate(u64::from(rows), since);
    raw.pool.close().await;
    Ok(rate)
}

async fn our_bulk(rows: u32) -> anyhow::Result<f64> {
    let queue = ours().await?;
    let since = Instant::now();
    fill(&queue, rows).await?;
    let rate = rate(u64::from(rows), since);
    queue.close().await;
    Ok(rate)
}

pub async fn measure(scale: Scale) -> anyhow::Result<Vec<Figure>> {
    let rows = scale.jobs;
    let contenders = vec![
        Contender::new(CASE, "UNNEST of 1,000", Unit::Rate, move || raw_bulk(rows)),
        Contender::new(CASE, "plain-worker", Unit::Rate, move || our_bulk(rows)).aims("UNNEST of 1,000", &[0.7]),
    ];
    in_turn(scale.rounds, contenders).await
}
