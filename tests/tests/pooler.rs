//! Behind a pooler that works by transactions: who is dead is told by the lease, or by a session past the pooler.

#[path = "../src/bin/test_worker/jobs.rs"]
mod jobs;

use plain_worker::{AttemptStatus, JobState, Queue};
use plain_worker_tests::{Database, Pooler, Program, WorkerProgram, until_true};

fn worker() -> WorkerProgram {
    WorkerProgram::new(env!("CARGO_BIN_EXE_test_worker")).with("CONCURRENCY", 8)
}

/// What is said of a pooler that keeps no sessions.
const NO_SESSIONS: &str = "reached through a pooler that keeps no sessions";

/// The queue through the pooler; none where that is one that forgets prepared statements.
///
/// Such a pooler serves nobody, and the error says so: that much is tested with it.
async fn through(pooler: &Pooler, database: &Database) -> Option<Queue> {
    if pooler.keeps_statements {
        return Some(Queue::connect(&pooler.url).await.unwrap());
    }
    database.queue().await.close().await;
    let mut crew: Vec<_> = (0..3).map(|_| worker().start_at(database, &pooler.url)).collect();
    until_true("one says what is wrong", || async {
        crew.iter().any(|one| one.output().contains("`max_prepared_statements` above 0"))
    })
    .await;
    for one in &mut crew {
        one.kill();
    }
    None
}

async fn holds(database: &Database, hold: &str) -> i64 {
    database.number(&format!("SELECT count(*) FROM {{}}workers WHERE hold = '{hold}'")).await
}

/// A killed worker's jobs start on another.
async fn jobs_of_a_killed_worker_are_rescued(
    database: &Database,
    pooler: &Pooler,
    queue: &Queue,
    worker: WorkerProgram,
) {
    let ids = jobs::waits::enqueue_all((0..5).map(|n| jobs::waits { n })).on(queue).await.unwrap();
    let mut first = worker.start_at(database, &pooler.url);
    let journal = database.journal();
    until_true("all run", || async { journal.count("start") == 5 }).await;
    let _second = worker.start_at(database, &pooler.url);
    until_true("both live", || async { database.number("SELECT count(*) FROM {}workers").await == 2 }).await;
    first.kill();
    until_true("all run elsewhere", || async { journal.count("start") == 10 }).await;
    for one in ids {
        let statuses: Vec<_> = queue.attempts(one.id()).await.unwrap().iter().map(|one| one.status).collect();
        assert_eq!(statuses, [AttemptStatus::Lost]);
    }
    let said = first.output();
    assert_eq!(said.contains(NO_SESSIONS), holds(database, "none").await > 0, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn without_a_session_the_lease_decides() {
    let database = Database::postgres().await;
    let pooler = Pooler::before(&database).await;
    let Some(queue) = through(&pooler, &database).await else { return };
    queue.prepare().await.unwrap();
    jobs_of_a_killed_worker_are_rescued(&database, &pooler, &queue, worker().with("LEASE_MS", 3_000)).await;
    assert_eq!((holds(&database, "none").await, holds(&database, "session").await), (1, 0));
}

/// With a lease of minutes only the hold can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn with_a_direct_address_the_session_decides() {
    let database = Database::postgres().await;
    let pooler = Pooler::before(&database).await;
    let Some(queue) = through(&pooler, &database).await else { return };
    queue.prepare().await.unwrap();
    let direct = worker().with("DIRECT_URL", &database.url).with("LEASE_MS", 600_000);
    jobs_of_a_killed_worker_are_rescued(&database, &pooler, &queue, direct).await;
    assert_eq!((holds(&database, "none").await, holds(&database, "session").await), (0, 1));
}

/// More connections than the pooler has sessions, on statements of all kinds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn jobs_pass_through_a_pooler() {
    let database = Database::postgres().await;
    let pooler = Pooler::before(&database).await;
    let Some(queue) = through(&pooler, &database).await else { return };
    queue.prepare().await.unwrap();
    let crew: Vec<_> = (0..3).map(|_| worker().start_at(&database, &pooler.url)).collect();
    let mut ids = Vec::new();
    for n in 0..40 {
        let many = (0..4).map(move |part| jobs::step { n: 10 * n + part, millis: 5 });
        ids.extend(jobs::step::enqueue_all(many).on(&queue).await.unwrap().iter().map(|one| one.id()));
        ids.push(jobs::plain_step::enqueue(10 * n + 5, 5).unique_key(format!("k{n}")).on(&queue).await.unwrap().id());
    }
    for id in ids {
        let succeeded = || async { queue.job(id).await.unwrap().unwrap().state == JobState::Succeeded };
        until_true("it has succeeded", succeeded).await;
        assert_eq!(queue.attempts(id).await.unwrap().len(), 1);
    }
    let filter = plain_worker::JobFilter::new().matching("state:succeeded args.millis:5").unwrap();
    assert_eq!(queue.stats(filter).await.unwrap().iter().map(|line| line.count).sum::<u64>(), 200);
    for one in &crew {
        let said = one.output();
        assert!(!said.contains("ERROR") && !said.contains("prepared statement"), "{said}");
    }
}

/// The flag and the variable of the command line, on a server without a pooler: the session is the named address's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn the_command_line_gives_the_direct_address() {
    let database = Database::postgres().await;
    let program = env!("CARGO_BIN_EXE_jobs");
    let named = format!("{}?application_name=named_by_flag", database.url);
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'named_by_flag'";
    let by_flag = Program::start(program, &database, &["worker", "--direct-database-url", &named]);
    until_true("life and wake-ups use it", || async { database.number(sessions).await == 2 }).await;
    drop(by_flag);
    until_true("they are gone", || async { database.number(sessions).await == 0 }).await;
    let mut command = tokio::process::Command::new(program);
    command.arg("worker").env("DATABASE_URL", &database.url).env("PLAIN_WORKER_DIRECT_DATABASE_URL", &named);
    let _by_variable = Program::start_command(command);
    until_true("life and wake-ups use it", || async { database.number(sessions).await == 2 }).await;
    let file = Database::sqlite();
    let mut wrong = Program::start(program, &file, &["worker", "--direct-database-url", &named]);
    assert_ne!(wrong.ended().await, Some(0));
    assert!(wrong.output().contains("for Postgres behind a pooler only"), "{}", wrong.output());
}
