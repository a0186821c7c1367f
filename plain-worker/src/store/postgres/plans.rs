//! What the planner makes of the hot statements: they walk indexes, however full the tables are.

use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

use super::PostgresStore;
use crate::store::{Clock, QueueOptions, Store};

/// The tables that are full here; those that are empty may be read whole.
async fn large(connection: &mut PgConnection, schema: &str) -> Vec<String> {
    let history: String =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT tableoid::regclass::text FROM {schema}.job_results LIMIT 1")))
            .fetch_one(connection)
            .await
            .expect("the partition of today");
    let history = history.rsplit('.').next().unwrap_or_default().to_owned();
    vec!["job_requests".to_owned(), "job_processes".to_owned(), history]
}

async fn filled() -> (PostgresStore, PgConnection) {
    let url = std::env::var("PLAIN_WORKER_TEST_POSTGRES").expect("PLAIN_WORKER_TEST_POSTGRES: run tests/run");
    let schema = format!("p{}", uuid::Uuid::now_v7().simple());
    let options = QueueOptions::new().clock(Clock::Database).schema(schema.clone());
    let store = PostgresStore::connect(&url, &options).await.expect("Postgres");
    store.migrate().await.expect("tables");
    store.maintain().await.expect("partitions");
    let mut connection = PgConnection::connect_with(&store.pool.connect_options()).await.expect("Postgres");
    let shared = "id, job, queue, priority, due_at, enqueued_at, arguments, shape";
    let row = |state: &str, more: &str| {
        format!(
            "SELECT gen_random_uuid(), '{state}', 'job' || n % 3, 'default', 0, now(), now(), '{{}}', 's'{more}
               FROM generate_series(1, 20000) AS n"
        )
    };
    let shared_state = "id, state, job, queue, priority, due_at, enqueued_at, arguments, shape";
    for state in ["ready", "scheduled", "parked"] {
        let sql = format!("INSERT INTO {schema}.job_requests ({shared_state}) {}", row(state, ""));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("requests");
    }
    let zeros = "attempt, failures, losses, hand_backs, retries, on_lost";
    let sql = format!(
        "INSERT INTO {schema}.job_processes (worker_id, build, started_at, seq, {shared}, {zeros})
         SELECT gen_random_uuid(), 'b', now(), seq, {shared}, 1, 0, 0, 0, 0, 'retry' FROM {schema}.job_requests;
         INSERT INTO {schema}.job_results (run_token, status, final, state, ended_at, seq, {shared}, {zeros})
         SELECT seq, 'successful', true, 'succeeded', now(), seq, {shared}, 1, 0, 0, 0, 0, 'retry'
           FROM {schema}.job_requests;
         ANALYZE {schema}.job_requests, {schema}.job_processes, {schema}.job_results"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("processes and results");
    (store, connection)
}

/// The plan that is kept for a statement, and with it the plans for these values.
async fn plan(connection: &mut PgConnection, sql: &Arc<str>, values: &str) -> String {
    let prepared = format!("DEALLOCATE ALL; PREPARE hot AS {sql}");
    sqlx::raw_sql(AssertSqlSafe(prepared)).execute(&mut *connection).await.expect("a statement");
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE hot ({values})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(connection).await.expect("a plan");
    rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
}

/// The statement walks these indexes, and reads no large table whole.
async fn walks(connection: &mut PgConnection, large: &[String], sql: &Arc<str>, values: &str, indexes: &[&str]) {
    let plan = plan(connection, sql, values).await;
    for index in indexes {
        assert!(plan.contains(index), "no {index} in the plan of\n{sql}\n\n{plan}");
    }
    for line in plan.lines().filter(|line| line.contains("Seq Scan on")) {
        assert!(!large.iter().any(|table| line.contains(table)), "{line}\nin the plan of\n{sql}\n\n{plan}");
    }
}

#[tokio::test]
#[ignore = "needs Postgres: run tests/run"]
async fn hot_statements_walk_indexes() {
    let (store, mut connection) = filled().await;
    let worker = "'00000000-0000-0000-0000-000000000000'";
    let sql = &store.sql;
    let large = large(&mut connection, store.namespace.as_str()).await;
    for settings in ["SELECT 1", "SET enable_seqscan = on; SET plan_cache_mode = force_custom_plan"] {
        sqlx::raw_sql(settings).execute(&mut connection).await.expect("settings");
        let c = &mut connection;
        walks(c, &large, &sql.claimable, &format!("{worker}, NULL, '{{}}', NULL, '{{}}'"), &["job_requests_ready"])
            .await;
        walks(c, &large, &sql.claim_one, &format!("{worker}, 'b', 'default', 'job1', 500"), &["job_requests_ready"])
            .await;
        let onward = format!("{worker}, 'b', 'default', 'job1', 500, 0::smallint, now(), 7");
        walks(c, &large, &store.claim_onward, &onward, &["job_requests_ready"]).await;
        let all = format!("{worker}, 'b', NULL, 500, '{{}}', NULL, '{{}}'");
        walks(c, &large, &sql.claim, &all, &["job_requests_ready"]).await;
        walks(c, &large, &sql.finish_success, "'{1,2,3}', '{NULL,NULL,NULL}'", &["job_processes_pkey"]).await;
        let ends = "'{1}', '{successful}', '{NULL}', '{NULL}', '{NULL}', '{t}', '{succeeded}', '{0}', '{NULL}', '{0}', \
                    '{0}', '{0}', '{NULL}', '{f}'";
        walks(c, &large, &sql.finish, ends, &["job_processes_pkey"]).await;
        walks(c, &large, &sql.promote, "1000", &["job_requests_due"]).await;
        let prune: Arc<str> = sql.prune.replace("{partition}", "job_results").into();
        walks(c, &large, &prune, "'{succeeded}', ARRAY[now()], 1000", &["ended_at_idx"]).await;
    }
    store.close().await;
}
