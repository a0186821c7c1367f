//! Enqueues and drains on SQLite, in both settings of its durability, beside bare loops of sqlx.

use std::time::{Duration, Instant};

use plain_worker::{Durability, Queue};
use sqlx::sqlite::SqliteSynchronous;
use tempfile::TempDir;

use super::{calls, drained, fill};
use crate::jobs::nothing;
use crate::measure::{Contender, Figure, Scale, Unit, in_turn, rate};
use crate::raw::sqlite::Raw;

/// One setting, by both names.
#[derive(Clone, Copy)]
struct Setting {
    drain: &'static str,
    enqueue: &'static str,
    raw: fn() -> SqliteSynchronous,
    ours: Durability,
}

const SETTINGS: [Setting; 2] = [
    Setting {
        drain: "SQLite FULL, drain",
        enqueue: "SQLite FULL, enqueue, 8 tasks",
        raw: || SqliteSynchronous::Full,
        ours: Durability::PowerLoss,
    },
    Setting {
        drain: "SQLite NORMAL, drain",
        enqueue: "SQLite NORMAL, enqueue, 8 tasks",
        raw: || SqliteSynchronous::Normal,
        ours: Durability::ProcessDeath,
    },
];

async fn raw_tables(setting: Setting) -> anyhow::Result<(TempDir, Raw)> {
    let folder = tempfile::tempdir()?;
    let raw = Raw::create(&folder.path().join("raw.db"), (setting.raw)()).await?;
    Ok((folder, raw))
}

async fn our_tables(setting: Setting) -> anyhow::Result<(TempDir, Queue)> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("ours.db").display());
    let queue = Queue::options().durability(setting.ours).connect(&url).await?;
    Ok((folder, queue))
}

async fn raw_drain(setting: Setting, jobs: u32) -> anyhow::Result<f64> {
    let (_folder, raw) = raw_tables(setting).await?;
    raw.insert_many(jobs).await?;
    let since = Instant::now();
    let ran = raw.drain(100).await?;
    let rate = rate(ran, since);
    raw.pool.close().await;
    Ok(rate)
}

async fn our_drain(setting: Setting, jobs: u32) -> anyhow::Result<f64> {
    let (_folder, queue) = our_tables(setting).await?;
    fill(&queue, jobs).await?;
    let rate = drained(&queue, jobs).await?;
    queue.close().await;
    Ok(rate)
}

async fn raw_calls(setting: Setting, span: Duration) -> anyhow::Result<f64> {
    let (_folder, raw) = raw_tables(setting).await?;
    let each = raw.clone();
    let rate = calls(8, span, move |n| {
        let raw = each.clone();
        async move { raw.insert(n).await }
    })
    .await?;
    raw.pool.close().await;
    Ok(rate)
}

async fn our_calls(setting: Setting, span: Duration) -> anyhow::Result<f64> {
    let (_folder, queue) = our_tables(setting).await?;
    let each = queue.clone();
    let rate = calls(8, span, move |n| {
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
    let jobs = scale.jobs;
    let mut figures = Vec::new();
    for setting in SETTINGS {
        let raw = "sqlx loop, batches of 100";
        let contenders = vec![
            Contender::new(setting.drain, raw, Unit::Rate, move || raw_drain(setting, jobs)),
            Contender::new(setting.drain, "plain-worker", Unit::Rate, move || our_drain(setting, jobs))
                .aims(raw, &[0.6]),
        ];
        figures.extend(in_turn(scale.rounds, contenders).await?);
        let raw = "one commit each through sqlx";
        let contenders = vec![
            Contender::new(setting.enqueue, raw, Unit::Rate, move || raw_calls(setting, span)),
            Contender::new(setting.enqueue, "plain-worker", Unit::Rate, move || our_calls(setting, span))
                .aims(raw, &[5.0]),
        ];
        figures.extend(in_turn(scale.rounds, contenders).await?);
    }
    Ok(figures)
}
