//! Bare statements on Postgres: three narrow tables, no promise beyond the history row.

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use crate::server;

/// One claimed row.
#[derive(Debug)]
pub struct Taken {
    pub token: i64,
    pub arguments: String,
}

/// The raw tables and their connections.
#[derive(Clone, Debug)]
pub struct Raw {
    pub pool: PgPool,
}

const TABLES: &str = "
    DROP SCHEMA IF EXISTS raw CASCADE;
    CREATE SCHEMA raw;
    CREATE TABLE raw.requests (
        seq bigint GENERATED ALWAYS AS IDENTITY, id uuid NOT NULL, job text NOT NULL, queue text NOT NULL,
        priority smallint NOT NULL, due_at timestamptz NOT NULL, attempt integer NOT NULL DEFAULT 0,
        arguments json NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
    CREATE INDEX ON raw.requests (queue, priority DESC, due_at, seq);
    CREATE TABLE raw.processes (
        token bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, worker uuid NOT NULL, started_at timestamptz NOT NULL,
        seq bigint NOT NULL, id uuid NOT NULL, job text NOT NULL, queue text NOT NULL, priority smallint NOT NULL,
        due_at timestamptz NOT NULL, attempt integer NOT NULL, arguments json NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
    CREATE TABLE raw.results (
        token bigint NOT NULL, worker uuid NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz NOT NULL,
        status text NOT NULL, seq bigint NOT NULL, id uuid NOT NULL, job text NOT NULL, queue text NOT NULL,
        priority smallint NOT NULL, due_at timestamptz NOT NULL, attempt integer NOT NULL, arguments json NOT NULL
    );";

const INSERT: &str = "
    INSERT INTO raw.requests (id, job, queue, priority, due_at, arguments)
    VALUES ($1, $2, $3, $4, now(), $5::json)";

const INSERT_MANY: &str = "
    INSERT INTO raw.requests (id, job, queue, priority, due_at, arguments)
    SELECT id, $2, $3, $4, now(), arguments::json FROM unnest($1::uuid[], $5::text[]) AS r (id, arguments)";

const CLAIM: &str = "
    WITH picked AS MATERIALIZED (
        SELECT ctid FROM raw.requests WHERE queue = $1 ORDER BY priority DESC, due_at, seq LIMIT $2
           FOR UPDATE SKIP LOCKED
    ), taken AS (
        DELETE FROM raw.requests WHERE ctid = ANY (ARRAY(SELECT ctid FROM picked)) RETURNING *
    )
    INSERT INTO raw.processes (worker, started_at, seq, id, job, queue, priority, due_at, attempt, arguments)
    SELECT $3, now(), seq, id, job, queue, priority, due_at, attempt + 1, arguments FROM taken
     ORDER BY priority DESC, due_at, seq
    RETURNING token, arguments::text";

const FINISH: &str = "
    WITH gone AS (DELETE FROM raw.processes WHERE token = ANY ($1) RETURNING *)
    INSERT INTO raw.results
    SELECT token, worker, started_at, now(), 'successful', seq, id, job, queue, priority, due_at, attempt, arguments
      FROM gone";

impl Raw {
    /// Empty tables.
    pub async fn create() -> anyhow::Result<Self> {
        let options = server::required()?.parse::<sqlx::postgres::PgConnectOptions>()?;
        // A plan made for an empty table must not stay when it is full.
        let options = options.options([("jit", "off"), ("enable_seqscan", "off")]);
        let pool = PgPoolOptions::new().max_connections(64).test_before_acquire(false).connect_with(options).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// As a store that can look up a job by its id must have it.
    pub async fn with_ids(self) -> anyhow::Result<Self> {
        for table in ["requests", "processes", "results"] {
            let sql = format!("CREATE INDEX ON raw.{table} (id)");
            sqlx::query(AssertSqlSafe(sql)).execute(&self.pool).await?;
        }
        Ok(self)
    }

    pub async fn insert(&self, n: u64) -> anyhow::Result<()> {
        sqlx::query(INSERT)
            .bind(Uuid::now_v7())
            .bind("nothing")
            .bind("default")
            .bind(0_i16)
            .bind(format!("{{\"n\":{n}}}"))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Puts in that many, 1,000 a statement, in one transaction.
    pub async fn insert_many(&self, count: u32) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        let all: Vec<u32> = (0..count).collect();
        for piece in all.chunks(1_000) {
            let ids: Vec<_> = piece.iter().map(|_| Uuid::now_v7()).collect();
            let arguments: Vec<_> = piece.iter().map(|n| format!("{{\"n\":{n}}}")).collect();
            sqlx::query(INSERT_MANY)
                .bind(ids)
                .bind("nothing")
                .bind("default")
                .bind(0_i16)
                .bind(arguments)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub async fn claim(&self, worker: Uuid, limit: usize) -> anyhow::Result<Vec<Taken>> {
        let rows =
            sqlx::query(CLAIM).bind("default").bind(i64::try_from(limit)?).bind(worker).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(Taken { token: row.try_get(0)?, arguments: row.try_get(1)? })).collect()
    }

    pub async fn finish(&self, tokens: Vec<i64>) -> anyhow::Result<()> {
        sqlx::query(FINISH).bind(tokens).execute(&self.pool).await?;
        Ok(())
    }

    /// Writes out what is dirty, so that a turn does not pay for the one before.
    pub async fn settle(&self) -> anyhow::Result<()> {
        sqlx::query("CHECKPOINT").execute(&self.pool).await?;
        Ok(())
    }
}
