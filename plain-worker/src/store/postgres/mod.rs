//! The store over a schema of a Postgres database.
//!
//! What is hot (claim, finish, insert) is one statement each. Those that take
//! more than one are transactions whose isolation is named, since the
//! application's default may be another.

mod address;
mod audit;
mod control;
mod days;
mod enqueue;
mod filter;
mod hold;
mod life;
mod migrate;
mod monitor;
mod pause;
#[cfg(test)]
mod plans;
mod pooler;
mod read;
mod rows;
mod run;
mod schedules;
mod telling;
mod transaction;
mod vitals;
mod wake;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use uuid::Uuid;

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
use crate::store::QueueOptions;
use crate::store::sealed::{AnyStore, IntoStore};
use crate::telling::{AttemptLog, Mark, NewLog};

statements! {
    add_schedule, ahead, attempts, audits, beat, cancel_process, cancel_request, change_schedule, claim, claim_one,
    claimable, delete_request, delete_results, depths, expire_results, failures, finish, finish_success, fold_rates,
    forget_workers, free_keys, hand_backs, insert, insert_alike, insert_keys, insert_one, insert_undo, job,
    key_holders, list, live_workers, lock_schedule, logs, lost_runs, mark, next_due, note, note_more, notices,
    orphan_keys, outlook, overdue, parked, partitions, pause, pause_schedule, pauses, points, present, promote,
    prune, prune_audit, prune_day, prune_logs, purge, rate_span, rates, register, register_schedule, requests,
    requeue, resume, resume_schedule, retry_key, retry_key_holder, retry_request, retry_result, roll_up,
    run_schedule, schedule_jobs, schedule_runs, schedules, settle_schedule, state, stats, stranded, totals, undrained,
    unpark, workers, write_logs,
}

type PostgresQuery = Query<'static, Postgres, PgArguments>;

/// How every transaction of ours begins.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// How often work is done again that stood in another's way.
const TRIES: u32 = 6;

/// Does work again, a few times, when another transaction stood in its way.
macro_rules! giving_way {
    ($store:expr, $work:expr) => {{
        let mut tried = 0;
        loop {
            match $work.await {
                Err(error) if $store.gives_way(&error, tried).await => tried += 1,
                answer => break answer,
            }
        }
    }};
}
use giving_way;

pub(crate) struct PostgresStore {
    pool: PgPool,
    namespace: Namespace,
    clock: Clock,
    sql: Arc<Statements>,
    /// `claim` with the filter on names and shapes.
    claim_filtered: Arc<str>,
    /// `claim_one` from a place on.
    claim_onward: Arc<str>,
    database: String,
    /// Whether the sessions are set so that plans of ours can be kept.
    steady: bool,
    /// Whether the application's default isolation showed to be stricter than ours.
    strict: AtomicBool,
}

/// The connection of a single statement: bare, or in a transaction where the default isolation is not ours.
enum Alone {
    Bare(PoolConnection<Postgres>),
    Framed(Transaction<'static, Postgres>),
}

impl PostgresStore {
    pub(crate) async fn connect(url: &str, options: &QueueOptions) -> Result<Self> {
        let namespace = options.namespace()?;
        Ok(Self::new(address::connect(url, options).await?, namespace, options.clock))
    }

    fn new(pool: PgPool, namespace: Namespace, clock: Clock) -> Self {
        let mut sql = Statements::render(renderer(&namespace, clock));
        let filter = include_str!("sql/claim_filter.sql").trim_end();
        let claim_filtered = sql.claim.replace("{filter}", filter).into();
        sql.claim = sql.claim.replace("{filter}", "").into();
        let claim_onward = sql.claim_one.replace("{bound}", include_str!("sql/claim_bound.sql").trim_end()).into();
        sql.claim_one = sql.claim_one.replace("{bound}", "").into();
        let database = address::describe(&pool.connect_options());
        let steady = address::keeps_plans(&pool.connect_options());
        let strict = AtomicBool::new(false);
        Self { pool, namespace, clock, sql: Arc::new(sql), claim_filtered, claim_onward, database, steady, strict }
    }

    fn fault(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> Error + use<> {
        while_trying(doing, &self.database)
    }

    /// How to connect past a pooler, where there is an address for that.
    fn direct_options(&self, direct: Option<&str>) -> Result<PgConnectOptions> {
        let Some(url) = direct else { return Ok((*self.pool.connect_options()).clone()) };
        let wrong = |reason| Error::Url { url: super::without_password(url), reason };
        address::read(url).map(|(options, _)| options).map_err(wrong)
    }

    async fn begin(&self, doing: &'static str) -> Result<Transaction<'static, Postgres>> {
        self.pool.begin_with(BEGIN).await.map_err(self.fault(doing))
    }

    async fn commit(&self, tx: Transaction<'static, Postgres>) -> Result<()> {
        tx.commit().await.map_err(self.fault("commit"))
    }

    async fn alone(&self, doing: &'static str) -> Result<Alone> {
        if self.strict.load(Ordering::Relaxed) {
            return Ok(Alone::Framed(self.begin(doing).await?));
        }
        Ok(Alone::Bare(self.pool.acquire().await.map_err(self.fault(doing))?))
    }

    /// As [`alone`](Self::alone), for a statement that is not kept where plans of ours cannot be: one without a name is
    /// parsed and run in two steps, and behind a pooler that works by transactions only one holds the session for both.
    async fn alone_unless_kept(&self, doing: &'static str) -> Result<Alone> {
        if self.steady { self.alone(doing).await } else { Ok(Alone::Framed(self.begin(doing).await?)) }
    }

    /// Whether work that failed is to be done again, now that some time has gone by.
    async fn gives_way(&self, error: &Error, tried: u32) -> bool {
        let Error::Conflict { source, .. } = error else { return false };
        let code = source
            .downcast_ref::<sqlx::Error>()
            .and_then(|error| error.as_database_error()?.code().map(|code| code.into_owned()))
            .unwrap_or_default();
        if code == "40001" {
            // Nothing of ours is serializable: it was the default of a bare statement.
            self.strict.store(true, Ordering::Relaxed);
        }
        if tried + 1 >= TRIES {
            return false;
        }
        let pause = Duration::from_millis(2 << (2 * tried).min(8));
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
        true
    }
}

impl Alone {
    fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Bare(connection) => connection,
            Self::Framed(tx) => tx,
        }
    }

    async fn done(self, store: &PostgresStore) -> Result<()> {
        match self {
            Self::Bare(_) => Ok(()),
            Self::Framed(tx) => store.commit(tx).await,
        }
    }
}

/// Fills a statement's placeholders, but for its filter.
fn renderer(namespace: &Namespace, clock: Clock) -> impl Fn(&str) -> String + use<> {
    let schema = namespace.to_string();
    let now = match clock {
        Clock::Database => "statement_timestamp()".to_owned(),
        Clock::Movable => format!("(statement_timestamp() + (SELECT ahead FROM {schema}.clock))"),
    };
    let bounds = RATE_BOUNDS.map(|bound| bound.to_string()).join(", ");
    move |sql| sql.replace("{schema}", &schema).replace("{now}", &now).replace("{bounds}", &bounds)
}

/// A rendered statement for sqlx: its text holds our own files and a checked namespace only.
fn safe(sql: &Arc<str>) -> AssertSqlSafe<Arc<str>> {
    AssertSqlSafe(Arc::clone(sql))
}

impl PostgresStore {
    /// A statement with the filter as its condition: binds its own values first, those of the filter after them.
    fn filtered<const OWN: usize>(
        &self,
        sql: &Arc<str>,
        filter: &JobFilter,
        after: Option<JobId>,
        own: [i64; OWN],
    ) -> PostgresQuery {
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

/// Lists and maps of strings as JSON: there is nothing in them that it cannot hold.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Ids as an array of the database's.
fn uuids(ids: &[JobId]) -> Vec<Uuid> {
    ids.iter().map(|id| *id.as_uuid()).collect()
}

/// A length of time in microseconds; what is longer than 250,000 years is that long, which both calendars hold.
fn micros(span: Duration) -> i64 {
    const LONGEST: i64 = 250_000 * 365 * 24 * 60 * 60 * 1_000_000;
    i64::try_from(span.as_micros()).map_or(LONGEST, |micros| micros.min(LONGEST))
}

impl IntoStore for PgPool {
    fn into_store(self, namespace: Namespace, options: &QueueOptions) -> AnyStore {
        AnyStore(Arc::new(PostgresStore::new(self, namespace, options.clock)))
    }
}

impl IntoStore for &PgPool {
    fn into_store(self, namespace: Namespace, options: &QueueOptions) -> AnyStore {
        self.clone().into_store(namespace, options)
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn describe(&self) -> String {
        self.database.clone()
    }

    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn as_postgres(&self) -> Option<&PostgresStore> {
        Some(self)
    }

    async fn migrate(&self) -> Result<Vec<&'static str>> {
        self.apply_migrations().await
    }

    async fn migration_script(&self) -> Result<String> {
        self.script().await
    }

    async fn prepare(&self) -> Result<()> {
        self.create_or_require().await
    }

    #[cfg(feature = "cli")]
    async fn require(&self) -> Result<()> {
        self.require_tables().await
    }

    fn writers(&self) -> usize {
        4
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

    async fn announce(&self, queues: Vec<String>) -> Result<()> {
        self.notify(queues).await
    }

    async fn listen(&self, direct: Option<String>, on_wake: OnWake) -> Result<()> {
        self.hear(direct.as_deref(), on_wake).await
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
        Ok(Box::new(hold::PostgresLife::new(self, worker, direct)?))
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
        self.add_days().await
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
