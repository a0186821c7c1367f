//! The kit for users' tests, over pools of their own and over a database in memory.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plain_worker::middleware::{End, Middleware, Next};
use plain_worker::testing::{TestQueue, assert_enqueued, assert_not_enqueued};
use plain_worker::{BoxError, Context, Error, JobState, Queue, discard, job, scheduled};
use plain_worker_tests::{Database, on_every_store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{PgPool, SqlitePool};

/// What jobs do, for the test to see.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Vec<String>>>);

impl Outbox {
    fn send(&self, letter: impl Into<String>) {
        self.0.lock().unwrap().push(letter.into());
    }

    fn sent(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[job(retries = 2, backoff = fixed("60s"))]
async fn welcome_user(user_id: i64, #[inject] outbox: Outbox, #[inject] ctx: Context) -> Result<String, BoxError> {
    outbox.send(format!("welcome {user_id}, attempt {}", ctx.attempt()));
    match user_id {
        404 => Err(discard("nobody").into()),
        503 if ctx.attempt() < 3 => Err("try later".into()),
        _ => Ok(format!("welcomed {user_id}")),
    }
}

#[job]
async fn invite_all(users: Vec<i64>) -> Result<(), BoxError> {
    for user in users {
        welcome_user::enqueue(user).await?;
    }
    Ok(())
}

#[job]
fn plainly(user_id: i64) -> Result<(), BoxError> {
    welcome_user::enqueue(user_id).blocking()?;
    Ok(())
}

/// A state that no test gives.
#[derive(Clone)]
struct Missing;

#[job]
async fn needs_what_is_missing(#[inject] missing: Missing) {
    let Missing = missing;
}

#[scheduled("0 9 * * *")]
async fn report_daily(#[inject] outbox: Outbox, #[inject] ctx: Context) {
    outbox.send(format!("report of {}", ctx.slot().is_some()));
}

#[scheduled("* * * * *")]
async fn minutely(#[inject] outbox: Outbox) {
    outbox.send("minute");
}

#[job]
async fn for_ever(n: u32) -> Result<(), BoxError> {
    for_ever::enqueue(n + 1).await?;
    Ok(())
}

/// Code of an application, which knows nothing of the test's queue.
async fn sign_up(user_id: i64) -> plain_worker::Result<()> {
    welcome_user::enqueue(user_id).queue("mail").await?;
    Ok(())
}

async fn over(database: &Database) -> TestQueue {
    if database.is_postgres() {
        TestQueue::over(PgPool::connect(&database.url).await.unwrap()).await.unwrap()
    } else {
        let options: SqliteConnectOptions = database.url.parse().unwrap();
        TestQueue::over(SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap()).await.unwrap()
    }
}

fn states(ended: &[plain_worker::EndedJob]) -> Vec<(&str, JobState)> {
    ended.iter().map(|job| (&*job.job, job.state)).collect()
}

on_every_store! {
    what_code_enqueues_is_seen_with_its_arguments,
    a_worker_runs_what_is_due_with_the_states_of_the_test,
    time_moves_over_retries_and_delays,
    time_moves_over_schedules_that_were_started,
    a_state_that_is_missing_is_an_error_that_names_it,
    jobs_run_inline_when_that_is_asked_for,
    a_transaction_of_the_code_is_seen_after_its_commit,
}

async fn what_code_enqueues_is_seen_with_its_arguments(database: Database) {
    let jobs = over(&database).await;
    assert!(jobs.enqueued::<welcome_user>().await.unwrap().is_empty());
    jobs.scope(sign_up(7)).await.unwrap();
    welcome_user::enqueue(8).delay(Duration::from_secs(90)).priority(3).on(jobs.queue()).await.unwrap();
    assert_eq!(
        jobs.enqueued::<welcome_user>().await.unwrap(),
        [welcome_user { user_id: 7 }, welcome_user { user_id: 8 }]
    );
    assert_enqueued!(jobs, welcome_user { user_id: 7 });
    assert_enqueued!(jobs, welcome_user { user_id: 7 }, queue = "mail");
    assert_enqueued!(
        jobs,
        welcome_user { user_id: 8 },
        queue = "default",
        priority = 3,
        delay = Duration::from_secs(90)
    );
    assert_not_enqueued!(jobs, welcome_user { user_id: 9 });
    assert_not_enqueued!(jobs, welcome_user { user_id: 7 }, queue = "default");
    assert_not_enqueued!(jobs, invite_all { users: vec![] });
    let also = jobs.clone();
    let wrong = tokio::spawn(async move {
        assert_enqueued!(also, welcome_user { user_id: 9 }, queue = "mail");
    });
    let panic = wrong.await.unwrap_err().into_panic();
    assert_eq!(
        *panic.downcast::<String>().unwrap(),
        "no such job is enqueued: welcome_user { user_id: 9 }, queue = \"mail\"\nwhat waits is:\n  \
         welcome_user { user_id: 7 }, queue = \"mail\", priority = 0, delay = 0ns\n  \
         welcome_user { user_id: 8 }, queue = \"default\", priority = 3, delay = 90s"
    );
}

struct Seen(Arc<AtomicU32>);

impl Middleware for Seen {
    async fn call(&self, _: &Context, next: Next<'_>) -> End {
        self.0.fetch_add(1, Ordering::SeqCst);
        next.run().await
    }
}

async fn a_worker_runs_what_is_due_with_the_states_of_the_test(database: Database) {
    let jobs = over(&database).await;
    let outbox = Outbox::default();
    let worker = || jobs.worker().state(outbox.clone());
    assert!(worker().drain_one().await.unwrap().is_none());
    let handle = welcome_user::enqueue(7).on(jobs.queue()).await.unwrap();
    invite_all::enqueue(vec![1, 404]).on(jobs.queue()).await.unwrap();
    plainly::enqueue(2).on(jobs.queue()).await.unwrap();
    let first = worker().drain_one().await.unwrap().unwrap();
    assert_eq!((first.id, first.output.as_deref()), (handle.id(), Some(r#""welcomed 7""#)));
    assert_eq!(first.arguments_of::<welcome_user>().unwrap(), welcome_user { user_id: 7 });
    assert_eq!(handle.wait().await.unwrap(), "welcomed 7");
    assert_eq!(outbox.sent(), ["welcome 7, attempt 1"]);
    let count = Arc::new(AtomicU32::new(0));
    let ended = worker().middleware(Seen(Arc::clone(&count))).drain().await.unwrap();
    assert_eq!(
        states(&ended),
        [
            ("invite_all", JobState::Succeeded),
            ("plainly", JobState::Succeeded),
            ("welcome_user", JobState::Succeeded),
            ("welcome_user", JobState::Dead),
            ("welcome_user", JobState::Succeeded),
        ]
    );
    assert_eq!(count.load(Ordering::SeqCst), 5);
    assert_eq!(ended[3].error.as_deref(), Some("discarded: nobody"));
    welcome_user::enqueue(1).queue("a").on(jobs.queue()).await.unwrap();
    assert!(worker().queues(["b"]).drain().await.unwrap().is_empty());
    let heard = outbox.clone();
    let hooked = worker().with(|worker| {
        worker.after_dead(move |job| {
            heard.send(format!("dead {}", job.job));
            async {}
        })
    });
    welcome_user::enqueue(404).on(jobs.queue()).await.unwrap();
    assert_eq!(hooked.drain().await.unwrap().len(), 2);
    assert_eq!(outbox.sent().last().unwrap(), "dead welcome_user");
}

async fn time_moves_over_retries_and_delays(database: Database) {
    let jobs = over(&database).await;
    let outbox = Outbox::default();
    let drain = async || jobs.worker().state(outbox.clone()).drain().await.unwrap();
    let handle = welcome_user::enqueue(503).delay(Duration::from_secs(3600)).on(jobs.queue()).await.unwrap();
    assert!(drain().await.is_empty());
    jobs.advance(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(states(&drain().await), [("welcome_user", JobState::Retrying)]);
    assert!(drain().await.is_empty());
    jobs.advance(Duration::from_secs(90)).await.unwrap();
    assert_eq!(states(&drain().await), [("welcome_user", JobState::Retrying)]);
    jobs.advance(Duration::from_secs(90)).await.unwrap();
    assert_eq!(states(&drain().await), [("welcome_user", JobState::Succeeded)]);
    assert_eq!(handle.wait().await.unwrap(), "welcomed 503");
    assert_eq!(outbox.sent().len(), 3);
}

async fn time_moves_over_schedules_that_were_started(database: Database) {
    let jobs = over(&database).await;
    let outbox = Outbox::default();
    let drain = async || jobs.worker().state(outbox.clone()).drain().await.unwrap();
    jobs.advance(Duration::from_secs(2 * 86_400)).await.unwrap();
    assert!(drain().await.is_empty(), "no schedule runs that was not started");
    jobs.start_schedules::<report_daily>().await.unwrap();
    assert!(drain().await.is_empty());
    for _ in 0..3 {
        jobs.advance(Duration::from_secs(86_400)).await.unwrap();
        assert_eq!(states(&drain().await), [("report_daily", JobState::Succeeded)]);
        assert!(drain().await.is_empty());
    }
    assert_eq!(outbox.sent(), ["report of true", "report of true", "report of true"]);
    let error = jobs.start_schedules::<welcome_user>().await.unwrap_err().to_string();
    assert!(error.starts_with("job `welcome_user` (") && error.ends_with(") has no schedule"), "{error}");
}

async fn a_state_that_is_missing_is_an_error_that_names_it(database: Database) {
    let jobs = over(&database).await;
    let handle = needs_what_is_missing::enqueue().on(jobs.queue()).await.unwrap();
    let error = jobs.worker().drain().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Setting(_)), "{text}");
    for part in ["job `needs_what_is_missing` (", "`missing: Missing`", ".state(..)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(handle.status().await.unwrap(), JobState::Ready);
    assert_eq!(jobs.queue().job(handle.id()).await.unwrap().unwrap().attempt, 0);
    jobs.worker().state(Missing).drain().await.unwrap();
    assert_eq!(handle.status().await.unwrap(), JobState::Succeeded);
}

async fn jobs_run_inline_when_that_is_asked_for(database: Database) {
    let jobs = over(&database).await;
    let outbox = Outbox::default();
    let given = outbox.clone();
    jobs.run_inline(move |worker| worker.state(given.clone())).unwrap();
    jobs.scope(sign_up(7)).await.unwrap();
    assert_eq!(outbox.sent(), ["welcome 7, attempt 1"]);
    // Jobs that enqueue jobs, and many at once.
    invite_all::enqueue(vec![1, 2]).on(jobs.queue()).await.unwrap();
    assert_eq!(outbox.sent().len(), 3);
    welcome_user::enqueue_all([welcome_user { user_id: 3 }, welcome_user { user_id: 4 }])
        .on(jobs.queue())
        .await
        .unwrap();
    assert_eq!(outbox.sent().len(), 5);
    // A job that fails is no error of the enqueue.
    let failed = welcome_user::enqueue(404).on(jobs.queue()).await.unwrap();
    assert_eq!(failed.status().await.unwrap(), JobState::Dead);
    // What is due later waits for its time.
    welcome_user::enqueue(5).delay(Duration::from_secs(60)).on(jobs.queue()).await.unwrap();
    assert_enqueued!(jobs, welcome_user { user_id: 5 });
    // A state that is missing is told at once.
    assert!(needs_what_is_missing::enqueue().on(jobs.queue()).await.is_err());
    assert!(jobs.run_inline(|worker| worker).is_err());
}

async fn a_transaction_of_the_code_is_seen_after_its_commit(database: Database) {
    let jobs = over(&database).await;
    jobs.scope(async {
        if database.is_postgres() {
            let pool = PgPool::connect(&database.url).await.unwrap();
            let mut tx = pool.begin().await.unwrap();
            welcome_user::enqueue(7).on(&mut tx).await.unwrap();
            assert_not_enqueued!(jobs, welcome_user { user_id: 7 });
            tx.commit().await.unwrap();
        } else {
            let pool = SqlitePool::connect(&database.url).await.unwrap();
            let mut tx = pool.begin().await.unwrap();
            welcome_user::enqueue(7).on(&mut tx).await.unwrap();
            assert_not_enqueued!(jobs, welcome_user { user_id: 7 });
            tx.commit().await.unwrap();
        }
    })
    .await;
    assert_enqueued!(jobs, welcome_user { user_id: 7 });
}

#[tokio::test]
async fn two_databases_in_memory_do_not_meet() {
    let (one, other) = (TestQueue::in_memory().await.unwrap(), TestQueue::in_memory().await.unwrap());
    one.scope(sign_up(1)).await.unwrap();
    other.scope(async { sign_up(2).await }).await.unwrap();
    assert_eq!(one.enqueued::<welcome_user>().await.unwrap(), [welcome_user { user_id: 1 }]);
    assert_eq!(other.enqueued::<welcome_user>().await.unwrap(), [welcome_user { user_id: 2 }]);
    // Jobs that enqueue without naming a queue stay in theirs.
    invite_all::enqueue(vec![3]).on(one.queue()).await.unwrap();
    assert_eq!(one.worker().state(Outbox::default()).drain().await.unwrap().len(), 3);
    assert_eq!(other.enqueued::<welcome_user>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_circle_of_jobs_ends_with_an_error() {
    let jobs = TestQueue::in_memory().await.unwrap();
    for_ever::enqueue(0).on(jobs.queue()).await.unwrap();
    let ended = jobs.worker().drain_at_most(50).await;
    let text = ended.unwrap_err().to_string();
    assert_eq!(text, "50 jobs ran and more are due; the last was `for_ever`: does it enqueue itself?");
}

/// sqlx makes a database of its own for each such test, and takes it away when the test has passed.
#[sqlx::test(migrations = false)]
async fn it_works_in_a_test_of_sqlx(pool: SqlitePool) {
    a_test_of_sqlx(pool).await;
}

#[sqlx::test(migrations = false)]
async fn two_tests_of_sqlx_do_not_meet(pool: SqlitePool) {
    a_test_of_sqlx(pool).await;
}

async fn a_test_of_sqlx(pool: SqlitePool) {
    let jobs = TestQueue::over(pool).await.unwrap();
    jobs.scope(sign_up(7)).await.unwrap();
    assert_enqueued!(jobs, welcome_user { user_id: 7 });
    let outbox = Outbox::default();
    jobs.worker().state(outbox.clone()).drain().await.unwrap();
    assert_eq!(outbox.sent(), ["welcome 7, attempt 1"]);
}

/// As tests that run beside each other need it: without the process-wide queue.
#[tokio::test]
async fn nothing_of_it_is_global() {
    let jobs = TestQueue::in_memory().await.unwrap();
    jobs.scope(sign_up(1)).await.unwrap();
    let inside = jobs.scope(async { Queue::process_wide().await.unwrap().describe() }).await;
    assert_eq!(inside, jobs.queue().describe());
}
