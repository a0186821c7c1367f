//! Jobs a second through one worker process: ours beside the minimal engine.

use std::time::Instant;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};

use super::{drained, fill, footprint, ours};
use crate::measure::{Contender, Figure, Scale, Unit, in_turn, rate};
use crate::raw::engine;
use crate::raw::postgres::Raw;
use crate::server;

const CASE: &str = "drain";

async fn raw_drain(raw: Raw, jobs: u32) -> anyhow::Result<f64> {
    raw.insert_many(jobs).await?;
    raw.settle().await?;
    let since = Instant::now();
    let ran = engine::drain(&raw).await?;
    let rate = rate(ran, since);
    ensure!(ran == u64::from(jobs), "{jobs} rows were put in, {ran} were run");
    raw.pool.close().await;
    Ok(rate)
}

async fn our_drain(jobs: u32) -> anyhow::Result<f64> {
    let queue = ours().await?;
    fill(&queue, jobs).await?;
    let rate = drained(&queue, jobs).await?;
    queue.close().await;
    Ok(rate)
}

/// The same by two processes.
async fn two_drain(jobs: u32) -> anyhow::Result<f64> {
    let queue = ours().await?;
    fill(&queue, jobs).await?;
    let address = server::required()?;
    let mut connection = PgConnection::connect(&address).await?;
    let since: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut connection).await?;
    tokio::try_join!(footprint::worker("drain", &address), footprint::worker("drain", &address))?;
    let sql = "SELECT extract(epoch FROM max(ended_at) - $1)::float8 FROM bench.job_results";
    let seconds: f64 = sqlx::query_scalar(sql).bind(since).fetch_one(&mut connection).await?;
    connection.close().await?;
    queue.close().await;
    Ok(f64::from(jobs) / seconds)
}

pub async fn measure(scale: Scale) -> anyhow::Result<Vec<Figure>> {
    let jobs = scale.jobs;
    let contenders = vec![
        Contender::new(CASE, "minimal engine", Unit::Rate, move || async move {
            raw_drain(Raw::create().await?, jobs).await
        }),
        Contender::new(CASE, "minimal engine, ids indexed", Unit::Rate, move || async move {
            raw_drain(Raw::create().await?.with_ids().await?, jobs).await
        }),
        // What is looked up by its id (a status, a cancel, a handle) needs it in an index.
        Contender::new(CASE, "plain-worker", Unit::Rate, move || our_drain(jobs))
            .aims("minimal engine, ids indexed", &[0.8]),
        Contender::new(CASE, "plain-worker, two processes", Unit::Rate, move || two_drain(jobs))
            .aims("plain-worker", &[1.0]),
    ];
    in_turn(scale.rounds, contenders).await
}
