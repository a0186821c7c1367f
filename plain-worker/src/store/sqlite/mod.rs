//! The store over one SQLite file: the embedded default.
//!
//! Every write is one `BEGIN IMMEDIATE` transaction; those of one process
//! queue up at a lock of ours, so that they do not spin at the file's.

mod audit;
mod control;
mod enqueue;
mod file;
mod filter;
mod hold;
mod life;
mod migrate;
mod monitor;
mod pause;
mod read;
mod rows;
mod run;
mod runs;
mod schedules;
mod telling;
mod transaction;
mod vitals;
mod wake;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::conditions::Bound;
use super::fault::while_trying;
use super::{Clock, Life, Namespace, OnWake, Requests, Store};
use crate::change::Requeue;
use crate::doctor::Vitals;
use crate::error::{Error, Result};
use crate::ledger::{Definition, Fired, ScheduleRow, ScheduleRun, Step};
use crate::monitor::{AuditRow, Depth, Failure, RATE_BOUNDS, Rate, RateQuery, RunPoint, WorkerView};
use crate::pause::{Pause, PauseTarget};
use crate::record::{
    AttemptRow, CancelAnswer, Claim, Ended, Finish, Inserted, JobFilter, JobId, JobRow, LiveWorker, NewRequest, Notice,
    ParkedRow, Promoted, Purged, RetryAnswer, Run, RunToken, StatLine, StoredRow, WorkerId, WorkerRow,
};
use crate::retention::Retention;
use crate::store::sealed::{AnyStore, IntoStore};
use crate::store::{Durability, QueueOptions};
use crate::telling::{AttemptLog, Mark, NewLog};

statements! {
    add_schedule, ahead, attempts, audits, beat, cancel_process, cancel_request, change_schedule, claim, claim_delete,
    claim_one, claimable, claimed, delete_logs, delete_request, delete_results, depths, expire_results,
    failures, finish_processes, finish_requests, finish_results, finish_success, fold_rates, forget_pauses, forget_rates,
    forget_workers, free_keys, hand_backs, held, insert, insert_alike, insert_keys, job, key_holders, list,
    live_workers, lock_schedule, logs, lost_runs, mark, next_due, note, note_more, notices, orphan_keys, outlook,
    overdue, park_unreadable, parked, pause, pause_schedule, pauses, points, present, promote, prune, prune_audit,
    prune_logs, purge, rate_span, rates, register, register_schedule, requests, requeue, resume, resume_schedule,
    retry_key, retry_key_holder, retry_request, retry_result, retry_unfinal, roll_up, run_schedule, schedule_jobs,
    schedule_runs, schedules, settle_schedule, signs, state, stats, stranded, take_out, totals, unclaim_unreadable,
    undrained, unpark, workers, write_logs,
}

type SqliteQuery = Query<'static, Sqlite, SqliteArguments>;

/// How long a writer waits for the file's lock, which other processes may hold.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct SqliteStore {
    pool: SqlitePool,
    namespace: Namespace,
    clock: Clock,
    sql: Arc<Statements>,
    /// `claim` with the filter on names and shapes.
    claim_filtered: Arc<str>,
    database: String,
    /// Writers of this process, one after the other.
    writer: Arc<Mutex<()>>,
}

/// A write transaction, and our place at the head of this process's writers.
struct Write {
    tx: Transaction<'static, Sqlite>,
    _place: OwnedMutexGuard<()>,
}

/// A connection for one statement that writes, and our place at the head of this process's writers.
struct Alone {
    connection: PoolConnection<Sqlite>,
    _place: OwnedMutexGuard<()>,
}

/// Opens the file, also when others do so in the same moment: the first turns it to WAL, for which SQLite takes a lock
/// without waiting for it, whatever the busy timeout says (<https://sqlite.org/wal.html>, "Sometimes queries return
/// SQLITE_BUSY in WAL mode").
async fn open_at_last(pool: SqlitePoolOptions, connect: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match pool.clone().connect_with(connect.clone()).await {
            Err(sqlx::Error::Database(error))
                if error.code().is_some_and(|code| ["5", "261"].contains(&&*code)) && Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(rand::random_range(10..50))).await;
            }
            opened => return opened,
        }
    }
}

impl SqliteStore {
    pub(crate) async fn connect(url: &str, options: &QueueOptions) -> Result<Self> {
        let namespace = options.namespace()?;
        let wrong = |reason: String| Error::Url { url: url.to_owned(), reason };
        let connect: SqliteConnectOptions = url.parse().map_err(|error: sqlx::Error| wrong(error.to_string()))?;
        let memory = file::is_memory(&connect);
        if !memory {
            file::prepare(connect.get_filename(), options.network_file).map_err(wrong)?;
        }
        let connect = connect
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match options.durability {
                Durability::PowerLoss => SqliteSynchronous::Full,
                Durability::ProcessDeath => SqliteSynchronous::Normal,
            })
            .busy_timeout(BUSY_TIMEOUT)
            // A claim's rows in one go: with sqlx's 50 its thread and ours wait for each other ten times a claim.
            .row_buffer_size(1_000)
            // A pinned reader must not leave a file of gigabytes behind for ever.
            .pragma("journal_size_limit", "67108864");
        let mut pool = SqlitePoolOptions::new().test_before_acquire(false).acquire_timeout(Duration::from_secs(30));
        pool = if memory {
            // Each connection would have a database of its own, which ends with it.
            pool.max_connections(1).idle_timeout(None).max_lifetime(None)
        } else {
            pool.max_connections(options.pool_size.unwrap_or(4).max(1))
        };
        let database = file::describe(&connect);
        let pool = open_at_last(pool, connect).await.map_err(while_trying("open the database", &database))?;
        Ok(Self::new(pool, namespace, options.clock))
    }

    fn new(pool: SqlitePool, namespace: Namespace, clock: Clock) -> Self {
        let render = renderer(&namespace, clock);
        let filter = render(include_str!("sql/claim_filter.sql"));
        let mut sql = Statements::render(&render);
        let claim_filtered = sql.claim.replace("{filter}", &filter).into();
        sql.claim = sql.claim.replace("{filter}", "").into();
        let database = file::describe(&pool.connect_options());
        Self { pool, namespace, clock, sql: Arc::new(sql), claim_filtered, database, writer: Arc::default() }
    }

    fn fault(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> Error + use<> {
        while_trying(doing, &self.database)
    }

    /// A write transaction; waits for the writers before it, of this process and of others.
    async fn write(&self, doing: &'static str) -> Result<Write> {
        let place = Arc::clone(&self.writer).lock_owned().await;
        let tx = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.fault(doing))?;
        Ok(Write { tx, _place: place })
    }
}

impl SqliteStore {
    /// The place of one statement that writes and commits by itself.
    async fn alone(&self, doing: &'static str) -> Result<Alone> {
        let place = Arc::clone(&self.writer).lock_owned().await;
        let connection = self.pool.acquire().await.map_err(self.fault(doing))?;
        Ok(Alone { connection, _place: place })
    }
}

impl Write {
    async fn commit(self, store: &SqliteStore) -> Result<()> {
        self.tx.commit().await.map_err(store.fault("commit"))
    }
}

/// Fills a statement's placeholders, but for its filter.
fn renderer(namespace: &Namespace, clock: Clock) -> impl Fn(&str) -> String + use<> {
    let prefix = format!("{namespace}_");
    let now = match clock {
        Clock::Database => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)".to_owned(),
        Clock::Movable => {
            format!("(CAST(unixepoch('subsec') * 1000000 AS INTEGER) + (SELECT ahead FROM {prefix}clock))")
        }
    };
    let bounds = RATE_BOUNDS.map(|bound| bound.to_string()).join(", ");
    let run = include_str!("sql/run.sql").trim_end();
    move |sql| {
        sql.replace("{run}", run).replace("{prefix}", &prefix).replace("{now}", &now).replace("{bounds}", &bounds)
    }
}

/// A rendered statement for sqlx: its text holds our own files and a checked namespace only.
fn safe(sql: &Arc<str>) -> AssertSqlSafe<Arc<str>> {
    AssertSqlSafe(Arc::clone(sql))
}

impl SqliteStore {
    /// A statement with the filter as its condition: binds its own values first, those of the filter after them.
    fn filtered<const OWN: usize>(
        &self,
        sql: &Arc<str>,
        filter: &JobFilter,
        after: Option<JobId>,
        own: [i64; OWN],
    ) -> SqliteQuery {
        let condition = filter::condition_of(filter, after, &self.namespace, self.clock, OWN);
        let order = if filter.oldest_first { "ASC" } else { "DESC" };
        let sql = sql.replace("{filter}", &condition.sql).replace("{order}", order);
        // Statements that people write by hand must not drive the hot ones out of the cache.
        let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        let query = own.into_iter().fold(query, |query, value| query.bind(value));
        condition.values.into_iter().fold(query, |query, value| match value {
            Bound::Text(text) => query.bind(text),
            Bound::Integer(value) => query.bind(value),
        })
    }
}

/// A value as JSON text, for statements that take lists.
fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    // Lists of our own words, numbers and strings: there is nothing in them that JSON cannot hold.
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}

/// A length of time in microseconds; what is longer than 292,000 years is that long.
fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl IntoStore for SqlitePool {
    fn into_store(self, namespace: Namespace, options: &QueueOptions) -> AnyStore {
        AnyStore(Arc::new(SqliteStore::new(self, namespace, options.clock)))
    }
}

impl IntoStore for &SqlitePool {
    fn into_store(self, namespace: Namespace, options: &QueueOptions) -> AnyStore {
        self.clone().into_store(namespace, options)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn describe(&self) -> String {
        self.database.clone()
    }

    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn as_sqlite(&self) -> Option<&SqliteStore> {
        Some(self)
    }

    async fn migrate(&self) -> Result<Vec<&'static str>> {
        self.apply_migrations().await
    }

    async fn migration_script(&self) -> Result<String> {
        self.script().await
    }

    async fn prepare(&self) -> Result<()> {
        // One file has one application: upgrading it without asking surprises nobody.
        self.apply_migrations().await.map(drop)
    }

    #[cfg(feature = "cli")]
    async fn require(&self) -> Result<()> {
        self.prepare().await
    }

    fn writers(&self) -> usize {
        // A file has one writer.
        1
    }

    async fn move_clock(&self, by: Duration) -> Result<()> {
        self.advance_clock(by).await
    }

    async fn insert(&self, batch: Arc<[NewRequest]>, again: bool) -> Result<Vec<Inserted>> {
        self.insert_batch(&batch, again).await
    }

    async fn insert_all(&self, requests: Requests) -> Result<Vec<Inserted>> {
        self.insert_stream(requests).await
    }

    async fn announce(&self, _queues: Vec<String>) -> Result<()> {
        // Others see the commit itself, by the file's data version.
        Ok(())
    }

    async fn listen(&self, _direct: Option<String>, on_wake: OnWake) -> Result<()> {
        self.watch_file(on_wake).await
    }

    async fn promote(&self, limit: u32, idle: bool) -> Result<Promoted> {
        self.promote_due(limit, idle).await
    }

    async fn expire(&self, limit: u32) -> Result<u64> {
        self.expire_waiting(limit).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Run>> {
        self.claim_ready(claim).await
    }

    async fn finish(&self, ends: Arc<[Finish]>) -> Result<Vec<RunToken>> {
        self.record_ends(&ends).await
    }

    async fn mark(&self, marks: Vec<Mark>) -> Result<()> {
        self.mark_runs(marks).await
    }

    async fn write_logs(&self, logs: Vec<NewLog>) -> Result<()> {
        self.put_logs(logs).await
    }

    async fn notices(&self, worker: WorkerId, running: Vec<RunToken>) -> Result<Vec<Notice>> {
        self.notices_for(worker, running).await
    }

    fn life(&self, worker: WorkerRow, direct: Option<&str>) -> Result<Box<dyn Life>> {
        if direct.is_some() {
            return Err(Error::Setting("a direct database URL is for Postgres behind a pooler only".to_owned()));
        }
        Ok(Box::new(hold::SqliteLife::new(self, worker)))
    }

    async fn live_workers(&self) -> Result<Vec<LiveWorker>> {
        self.workers_within_lease().await
    }

    async fn lost_runs(&self, worker: WorkerId, limit: u32) -> Result<Vec<Run>> {
        self.runs_of(worker, limit).await
    }

    async fn forget_workers(&self, workers: Vec<WorkerId>) -> Result<u64> {
        self.remove_workers(workers).await
    }

    async fn parked(&self, jobs: Vec<String>, after: i64, limit: u32) -> Result<Vec<ParkedRow>> {
        self.parked_of(jobs, after, limit).await
    }

    async fn unpark(&self, seqs: Vec<i64>) -> Result<u64> {
        self.unpark_these(seqs).await
    }

    async fn requests(&self, after: i64, limit: u32) -> Result<Vec<StoredRow>> {
        self.stored_requests(after, limit).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        self.all_schedules().await
    }

    async fn register_schedule(&self, definition: Definition, fingerprint: String) -> Result<()> {
        self.put_schedule(&definition, &fingerprint).await
    }

    async fn settle(&self, steps: Arc<[Step]>) -> Result<Vec<Option<Fired>>> {
        self.settle_slots(&steps).await
    }

    async fn add_schedule(&self, definition: Definition) -> Result<bool> {
        self.insert_schedule(&definition).await
    }

    async fn change_schedule(&self, definition: Definition, generation: i64) -> Result<bool> {
        self.update_schedule(&definition, generation).await
    }

    async fn remove_schedule(&self, name: String) -> Result<bool> {
        self.delete_schedule(&name).await
    }

    async fn jobs_of_schedule(&self, name: String) -> Result<Vec<JobId>> {
        self.waiting_of_schedule(&name).await
    }
    async fn runs_of_schedules(&self, names: Vec<String>, each: u32) -> Result<Vec<ScheduleRun>> {
        self.ended_of_schedules(&names, each).await
    }

    async fn pause_schedule(&self, name: String, by: Option<String>) -> Result<bool> {
        self.stop_schedule(&name, by).await
    }

    async fn resume_schedule(&self, name: String) -> Result<bool> {
        self.restart_schedule(&name).await
    }

    async fn run_schedule(&self, name: String, id: JobId) -> Result<Option<JobId>> {
        self.ask_for_run(&name, id).await
    }

    async fn cancel(&self, id: JobId, by: String, note: bool) -> Result<Option<CancelAnswer>> {
        self.cancel_job(id, by, note).await
    }

    async fn retry(&self, id: JobId, changed: Option<(String, Cow<'static, str>)>) -> Result<Option<RetryAnswer>> {
        self.retry_job(id, changed).await
    }

    async fn delete(&self, id: JobId) -> Result<Option<bool>> {
        self.delete_job(id).await
    }

    async fn requeue(&self, id: JobId, to: Requeue) -> Result<Option<bool>> {
        self.move_job(id, to).await
    }

    async fn pause(&self, target: PauseTarget, by: String) -> Result<bool> {
        self.pause_target(target, by).await
    }

    async fn resume(&self, target: PauseTarget, by: String) -> Result<bool> {
        self.resume_target(target, by).await
    }

    async fn pauses(&self) -> Result<Vec<Pause>> {
        self.list_pauses().await
    }

    async fn purge(&self, filter: JobFilter, by: String, noted: Option<i64>, limit: u32) -> Result<Purged> {
        self.purge_waiting(filter, by, noted, limit).await
    }

    async fn prune(&self, retention: Retention, limit: u32) -> Result<u64> {
        self.prune_results(retention, limit).await
    }

    async fn maintain(&self) -> Result<()> {
        Ok(())
    }

    async fn job(&self, id: JobId) -> Result<Option<JobRow>> {
        self.find_job(id).await
    }

    async fn attempts(&self, id: JobId) -> Result<Vec<AttemptRow>> {
        self.attempts_of(id).await
    }

    async fn logs(&self, id: JobId) -> Result<Vec<AttemptLog>> {
        self.logs_of(id).await
    }

    async fn outlook(&self, ids: Vec<JobId>) -> Result<Vec<(JobId, Option<Ended>)>> {
        self.outlook_of(ids).await
    }

    async fn list(&self, filter: JobFilter, after: Option<JobId>, limit: u32) -> Result<Vec<JobRow>> {
        self.list_jobs(filter, after, limit).await
    }

    async fn points(&self, filter: JobFilter, limit: u32) -> Result<Vec<RunPoint>> {
        self.list_points(filter, limit).await
    }
    async fn stats(&self, filter: JobFilter) -> Result<Vec<StatLine>> {
        self.count_jobs(filter).await
    }

    async fn workers(&self) -> Result<Vec<WorkerView>> {
        self.all_workers().await
    }

    async fn depths(&self) -> Result<Vec<Depth>> {
        self.all_depths().await
    }

    async fn ahead(&self, id: JobId) -> Result<Option<u64>> {
        self.count_ahead(id).await
    }

    async fn rates(&self, query: RateQuery) -> Result<Vec<Rate>> {
        self.sums(query).await
    }

    async fn failures(&self, job: String, limit: u32) -> Result<Option<Vec<Failure>>> {
        self.failures_of(job, limit).await
    }

    async fn totals(&self) -> Result<Vec<Rate>> {
        self.all_totals().await
    }

    async fn roll_up(&self) -> Result<bool> {
        self.sum_up().await
    }

    async fn fold_rates(&self) -> Result<()> {
        self.fold_sums().await
    }

    async fn audits(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
        self.list_audits(before, limit).await
    }

    async fn note_change(
        &self,
        (actor, action): (String, String),
        target: String,
        count: u64,
        noted: Option<i64>,
    ) -> Result<Option<i64>> {
        self.insert_audit((&actor, &action), &target, count, noted).await
    }

    async fn vitals(&self, long: Duration) -> Result<Vitals> {
        self.all_vitals(long).await
    }

    async fn now(&self) -> Result<DateTime<Utc>> {
        self.what_time().await
    }

    async fn undrained(&self, worker: WorkerId, queues: Option<Vec<String>>, knows: Vec<String>) -> Result<bool> {
        self.something_undrained(worker, queues, knows).await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_claim_steps_over_what_it_does_not_take() {
        let store = SqliteStore::connect("sqlite::memory:", &QueueOptions::new()).await.expect("memory");
        store.apply_migrations().await.expect("tables");
        for statement in [&store.sql.claimable, &store.sql.claim] {
            let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(&store.pool)
                .await
                .expect("a plan");
            let steps: Vec<String> = plan.iter().map(|row| sqlx::Row::get(row, "detail")).collect();
            let walks = |step: &&String| step.contains("job_requests_ready");
            assert!(steps.iter().any(|step| walks(&step)), "{steps:#?}");
            for step in steps.iter().filter(walks) {
                let known = ["SCAN f USING", "(queue>?)", "(queue=? AND job>?)", "(queue=? AND job=?)"];
                assert!(known.iter().any(|how| step.contains(how)), "{steps:#?}");
            }
        }
    }
}
