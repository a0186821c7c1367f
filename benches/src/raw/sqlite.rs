//! Bare statements on SQLite through sqlx: the same three narrow tables.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, QueryBuilder, Row};
use uuid::Uuid;

/// The raw tables and their connection.
#[derive(Clone, Debug)]
pub struct Raw {
    pub pool: SqlitePool,
}

const TABLES: &str = "
    CREATE TABLE requests (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, job TEXT NOT NULL, queue TEXT NOT NULL,
        priority INTEGER NOT NULL, due_at INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, arguments TEXT NOT NULL
    );
    CREATE INDEX ready ON requests (queue, priority DESC, due_at, seq);
    CREATE TABLE processes (
        token INTEGER PRIMARY KEY AUTOINCREMENT, worker TEXT NOT NULL, started_at INTEGER NOT NULL, seq INTEGER NOT NULL,
        id TEXT NOT NULL, job TEXT NOT NULL, queue TEXT NOT NULL, priority INTEGER NOT NULL, due_at INTEGER NOT NULL,
        attempt INTEGER NOT NULL, arguments TEXT NOT NULL
    );
    CREATE TABLE results (
        token INTEGER NOT NULL, worker TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,
        status TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, job TEXT NOT NULL, queue TEXT NOT NULL,
        priority INTEGER NOT NULL, due_at INTEGER NOT NULL, attempt INTEGER NOT NULL, arguments TEXT NOT NULL
    );";

const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

impl Raw {
    pub async fn create(file: &Path, synchronous: SqliteSynchronous) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous);
        let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(options).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// One commit each.
    pub async fn insert(&self, n: u64) -> anyhow::Result<()> {
        let sql = "INSERT INTO requests (id, job, queue, priority, due_at, arguments) VALUES (?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(Uuid::now_v7().to_string())
            .bind("nothing")
            .bind("default")
            .bind(0)
            .bind(0)
            .bind(format!("{{\"n\":{n}}}"))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn insert_many(&self, count: u32) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        let all: Vec<u32> = (0..count).collect();
        for piece in all.chunks(1_000) {
            let mut insert = QueryBuilder::new("INSERT INTO requests (id, job, queue, priority, due_at, arguments) ");
            insert.push_values(piece, |mut row, n| {
                row.push_bind(Uuid::now_v7().to_string()).push_bind("nothing").push_bind("default").push_bind(0);
                row.push_bind(0).push_bind(format!("{{\"n\":{n}}}"));
            });
            insert.build().execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Claims and ends that many at a time, a transaction each, until nothing is left; gives how many.
    pub async fn drain(&self, batch: u32) -> anyhow::Result<u64> {
        let claim = format!(
            "INSERT INTO processes (worker, started_at, seq, id, job, queue, priority, due_at, attempt, arguments)
             SELECT 'worker', {NOW}, seq, id, job, queue, priority, due_at, attempt + 1, arguments
               FROM requests WHERE queue = ?1 ORDER BY priority DESC, due_at, seq LIMIT ?2
             RETURNING token, seq, arguments"
        );
        let finish = format!(
            "INSERT INTO results
             SELECT token, worker, started_at, {NOW}, 'successful', seq, id, job, queue, priority, due_at, attempt, arguments
               FROM processes WHERE token IN (SELECT value FROM json_each(?1))"
        );
        let (claim, finish) = (Arc::<str>::from(claim), Arc::<str>::from(finish));
        let mut ran = 0;
        loop {
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let rows =
                sqlx::query(AssertSqlSafe(Arc::clone(&claim))).bind("default").bind(batch).fetch_all(&mut *tx).await?;
            let mut tokens = Vec::with_capacity(rows.len());
            let mut seqs = Vec::with_capacity(rows.len());
            for row in &rows {
                tokens.push(row.try_get::<i64, _>(0)?);
                seqs.push(row.try_get::<i64, _>(1)?);
                std::hint::black_box(serde_json::from_str::<serde::de::IgnoredAny>(row.try_get(2)?)?);
            }
            sqlx::query("DELETE FROM requests WHERE seq IN (SELECT value FROM json_each(?1))")
                .bind(serde_json::to_string(&seqs)?)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            if tokens.is_empty() {
                return Ok(ran);
            }
            ran += tokens.len() as u64;
            let tokens = serde_json::to_string(&tokens)?;
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::query(AssertSqlSafe(Arc::clone(&finish))).bind(&tokens).execute(&mut *tx).await?;
            sqlx::query("DELETE FROM processes WHERE token IN (SELECT value FROM json_each(?1))")
                .bind(&tokens)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
    }
}
