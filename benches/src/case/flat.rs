//! What lies beside the jobs that run must cost them nothing: the rate of the same drain, with a backlog of each kind.

use std::time::{Duration, Instant};

use anyhow::ensure;
use plain_worker::{PauseTarget, Queue, Worker};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection};

use super::{fill, ours};
use crate::jobs::nothing;
use crate::measure::{Contender, Figure, Scale, Unit, in_turn, rate};
use crate::server;

const CASE: &str = "drain beside";
const EMPTY: &str = "nothing";
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// What lies beside them.
#[derive(Clone, Copy, Debug)]
enum Backlog {
    Nothing,
    /// Jobs that are ready too, and come after those that are measured.
    Ready,
    Scheduled,
    Paused,
    /// Jobs that no program knows, as a worker that met them left them.
    Unknown,
    Results,
    /// Rows that were deleted and not vacuumed.
    Dead,
    /// The same, and a transaction that keeps them from being vacuumed while the jobs run.
    Snapshot,
    /// Results past their retention, which the worker prunes meanwhile.
    Pruned,
}

async fn sql(statement: String) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(&server::required()?).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Copies of the one row that is there, under ids of their own.
async fn copies(queue: &Queue, of: &str, count: u64) -> anyhow::Result<()> {
    nothing::enqueue(0).on(queue).await?;
    sql(format!(
        "INSERT INTO bench.job_requests (id, state, job, queue, priority, due_at, enqueued_at, arguments, shape, on_lost)
         SELECT gen_random_uuid(), {of}, r.queue, r.priority, r.due_at, r.enqueued_at, r.arguments, r.shape, r.on_lost
           FROM bench.job_requests r, generate_series(1, {count});
         DELETE FROM bench.job_requests WHERE seq = (SELECT min(seq) FROM bench.job_requests);"
    ))
    .await
}

/// Results of jobs that ended that long ago.
async fn results(count: u64, age: &str) -> anyhow::Result<()> {
    sql(format!(
        "INSERT INTO bench.job_results (run_token, id, status, final, state, worker_id, build, started_at, ended_at, seq,
                job, queue, priority, due_at, enqueued_at, arguments, shape, attempt, failures, losses, hand_backs, retries,
                on_lost)
         SELECT -g, gen_random_uuid(), 'successful', true, 'succeeded', gen_random_uuid(), 'b', e.at, e.at, -g,
                'nothing', 'default', 0, e.at, e.at, '{{\"n\":1}}', 's', 1, 0, 0, 0, 0, 'retry'
           FROM generate_series(1, {count}) g, LATERAL (SELECT now() - interval '{age}' - g * interval '1 ms') AS e (at)"
    ))
    .await
}

impl Backlog {
    async fn put(self, queue: &Queue, count: u32) -> anyhow::Result<()> {
        let many = u64::from(count);
        match self {
            Self::Nothing => {}
            Self::Ready => fill(queue, count).await?,
            Self::Scheduled => {
                nothing::enqueue_all((0..many).map(|n| nothing { n })).delay(FAR).on(queue).await?;
            }
            Self::Paused => {
                nothing::enqueue_all((0..many).map(|n| nothing { n })).queue("paused").on(queue).await?;
                queue.pause(PauseTarget::queue("paused"), "bench").await?;
            }
            Self::Unknown => copies(queue, "'parked', 'unknown'", many).await?,
            Self::Results => results(10 * many, "1 hour").await?,
            Self::Pruned => results(many, "8 days").await?,
            Self::Dead | Self::Snapshot => {
                sql("ALTER TABLE bench.job_requests SET (autovacuum_enabled = off)".to_owned()).await?;
                fill(queue, count).await?;
                sql("DELETE FROM bench.job_requests".to_owned()).await?;
            }
        }
        Ok(())
    }
}

async fn beside(backlog: Backlog, jobs: u32, count: u32) -> anyhow::Result<f64> {
    let queue = ours().await?;
    if !matches!(backlog, Backlog::Ready) {
        backlog.put(&queue, count).await?;
    }
    let pool = PgPool::connect(&server::required()?).await?;
    let mut snapshot = pool.begin().await?;
    if matches!(backlog, Backlog::Snapshot) {
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *snapshot).await?;
        sqlx::query("SELECT count(*) FROM bench.job_requests").execute(&mut *snapshot).await?;
    }
    fill(&queue, jobs).await?;
    if matches!(backlog, Backlog::Ready) {
        backlog.put(&queue, count).await?;
    }
    sql("CHECKPOINT".to_owned()).await?;
    let since = Instant::now();
    let report = Worker::builder(queue.clone()).max_jobs(u64::from(jobs)).run_until(std::future::pending()).await?;
    let rate = rate(report.succeeded, since);
    ensure!(report.succeeded >= u64::from(jobs), "{jobs} jobs were enqueued: {report:?}");
    snapshot.rollback().await?;
    pool.close().await;
    queue.close().await;
    Ok(rate)
}

pub async fn measure(scale: Scale) -> anyhow::Result<Vec<Figure>> {
    let Scale { jobs, backlog, .. } = scale;
    let with = |name, kind, aim: f64| {
        let contender = Contender::new(CASE, name, Unit::Rate, move || beside(kind, jobs, backlog));
        if aim > 0.0 { contender.aims(EMPTY, &[aim]) } else { contender }
    };
    let contenders = vec![
        with(EMPTY, Backlog::Nothing, 0.0),
        with("ready jobs", Backlog::Ready, 0.9),
        with("scheduled jobs", Backlog::Scheduled, 0.9),
        with("jobs of a paused queue", Backlog::Paused, 0.9),
        with("jobs that nobody knows", Backlog::Unknown, 0.9),
        with("ten times as many results", Backlog::Results, 0.9),
        with("dead rows", Backlog::Dead, 0.8),
        with("dead rows that a snapshot keeps", Backlog::Snapshot, 0.8),
        with("results that are pruned", Backlog::Pruned, 0.8),
    ];
    in_turn(scale.rounds, contenders).await
}

/// The rate by how many jobs are ready: the points of the picture.
pub async fn by_backlog(scale: Scale) -> anyhow::Result<Vec<(u32, f64)>> {
    let mut points = Vec::new();
    for part in [0, 1, 10, 100, 1_000] {
        let count = scale.backlog / 1_000 * part;
        let rate = tokio::spawn(beside(Backlog::Ready, scale.jobs, count)).await??;
        eprintln!("  {count} ready jobs behind: {rate:.0}");
        points.push((count, rate));
    }
    Ok(points)
}
