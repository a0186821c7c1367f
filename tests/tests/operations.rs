//! What the documentation says about running this: connections, defaults, permissions.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use plain_worker::{
    JobFilter, JobState, PauseTarget, Queue, QueueOptions, Registry, Retention, UniqueUntil, Worker, job,
};
use plain_worker_tests::Database;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const README: &str = include_str!("../../README.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

#[job]
async fn mails(_n: u32) {}

#[job(retries = 1, backoff = fixed("1ms"))]
async fn fails_once(#[inject] ctx: plain_worker::Context) -> Result<(), String> {
    if ctx.attempt() == 1 { Err("the first time".to_owned()) } else { Ok(()) }
}

#[job(unique)]
async fn once(_n: u32) {}

/// The value of a row of a table in the README.
fn row(name: &str) -> &'static str {
    let start = format!("| {name} | ");
    let line = README.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no row `{name}`"));
    line[start.len()..].trim_end_matches([' ', '|'])
}

/// Runs a worker beside `work`.
async fn beside<T>(queue: &Queue, work: impl Future<Output = T>) -> T {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::builder(queue.clone());
    let running = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or_default() }));
    let value = work.await;
    stop.send(()).expect("the worker runs");
    running.await.expect("no panic").expect("a clean end");
    value
}

#[tokio::test]
async fn the_defaults_of_the_readme_are_those_of_the_code() {
    let registry = Registry::of_program().unwrap();
    let options = &registry.get("mails").unwrap().options;
    assert_eq!(row("retries"), options.retries.to_string());
    assert_eq!(row("priority"), options.priority.to_string());
    assert_eq!(row("queue of a job"), format!("`{}`", options.queue));
    assert_eq!((row("timeout"), options.timeout), ("none", None));
    assert_eq!(row("wait before a retry"), "exponential from 15 s, at most 1 h, ±20 %");
    for (failures, seconds) in [(1, 15.0), (2, 30.0), (3, 60.0), (40, 3600.0)] {
        for _ in 0..200 {
            let share = options.backoff.delay_after(failures).as_secs_f64() / seconds;
            assert!((0.8..=1.2).contains(&share), "{share} of {seconds} s after {failures}");
        }
    }
    assert_eq!(row("a unique key is held"), "until the end");
    assert!(format!("{:?}", registry.get("once").unwrap().options.unique).contains(&format!("{:?}", UniqueUntil::End)));

    let days = |span: Duration| format!("{} days", span.as_secs() / 86_400);
    let kept = Retention::default();
    assert_eq!(row("succeeded, cancelled and expired jobs are kept"), days(kept.succeeded));
    assert_eq!([kept.cancelled, kept.expired], [kept.succeeded; 2]);
    assert_eq!(row("dead jobs are kept"), days(kept.dead));
    assert_eq!(row("the audit is kept"), days(kept.audit));

    let queue = Database::sqlite().queue().await;
    let worker = format!("{:?}", Worker::builder(queue));
    let setting = |name: &str| {
        let start = worker.find(&format!(" {name}: ")).unwrap_or_else(|| panic!("{name} in {worker}")) + name.len() + 3;
        worker[start..].split(", ").next().unwrap().to_owned()
    };
    assert_eq!(row("async jobs at once"), setting("concurrency"));
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!((row("plain functions at once"), setting("threads")), ("one a core", cores.to_string()));
    assert_eq!(row("grace period at a stop").replace(' ', ""), setting("grace"));
    assert_eq!((row("queues that a worker serves"), setting("queues")), ("all", "None".to_owned()));
    let options = format!("{:?}", QueueOptions::new());
    assert_eq!(row("arguments of one job"), "at most 1 MiB");
    assert!(options.contains("payload_limit: 1048576,"), "{options}");
    assert_eq!(row("SQLite"), "WAL, `synchronous=FULL`");
    assert!(options.contains("durability: PowerLoss"), "{options}");
}

#[test]
fn the_settings_of_the_readme_are_those_of_the_command_line() {
    use clap::Subcommand;

    let program = plain_worker::cli::Command::augment_subcommands(clap::Command::new("program"));
    let worker = program.find_subcommand("worker").expect("the command");
    let flags: BTreeMap<String, Option<String>> = worker
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .filter_map(|argument| {
            let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            Some((format!("--{}", argument.get_long()?), variable))
        })
        .filter(|(flag, _)| flag != "--help")
        .collect();
    let section = README.split("## Settings").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    let rows: BTreeMap<String, &str> = section
        .lines()
        .filter_map(|line| line.strip_suffix("` |")?.rsplit_once("| `"))
        .map(|(before, flag)| (flag.to_owned(), before))
        .collect();
    let names = |keys: Vec<&String>| keys.into_iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(rows.keys().collect()), names(flags.keys().collect()), "README and `worker --help`");
    for (flag, variable) in flags {
        let row = rows[&flag];
        // Some are read by hand, since a second name follows the first.
        let variable =
            variable.unwrap_or_else(|| flag.replacen("--", "PLAIN_WORKER_", 1).replace('-', "_").to_uppercase());
        assert!(row.contains(&format!("`{variable}`")), "{flag} is set by {variable}: {row}");
    }
}

/// The other sessions on this database.
async fn sessions(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    .fetch_one(connection)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn a_process_opens_as_many_connections_as_the_readme_says() {
    let database = Database::postgres().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let beyond = |process: &str| row(process).parse::<i64>().expect("a number");

    let pool = PgPoolOptions::new().max_connections(2).connect(&database.url).await.unwrap();
    let queue = Queue::from_pool(&pool);
    queue.migrate().await.unwrap();
    let mut most = 0;
    for n in 0..20 {
        let (one, other) = tokio::join!(mails::enqueue(n).on(&queue), mails::enqueue(n).on(&queue));
        let (one, other) = (one.unwrap(), other.unwrap());
        let (found, _) = tokio::join!(queue.job(one.id()), queue.job(other.id()));
        assert!(found.unwrap().is_some());
        most = most.max(sessions(&mut connection).await);
    }
    let own = beyond("one that only enqueues, looks up or waits");
    assert!((1..=2 + own).contains(&most), "{most} connections of a process that enqueues");
    queue.close().await;

    // A pool of one, so that what is beyond it can be counted.
    let queue = database.queue_with(Queue::options().pool_size(1)).await;
    let expected = 1 + beyond("a worker (its life; wake-ups)");
    beside(&queue, async {
        for n in 0..20 {
            mails::enqueue(n).on(&queue).await.unwrap().wait().await.unwrap();
        }
        let (mut seen, mut most) = (Vec::new(), 0);
        // By the test's own session: one more would be counted until the server has ended it.
        let start = Instant::now();
        while sessions(&mut connection).await != expected {
            assert!(start.elapsed() < Duration::from_secs(60), "the connections are never all open");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for n in 0..20 {
            mails::enqueue(n).on(&queue).await.unwrap().wait().await.unwrap();
            let now = sessions(&mut connection).await;
            most = most.max(now);
            seen.push(now);
        }
        assert!(most <= expected, "{seen:?} connections of a worker, {expected} expected");
    })
    .await;
}

/// A Postgres database whose roles have what the documentation grants, each with a name of its own in the cluster.
struct Roles {
    database: Database,
    tag: String,
}

impl Roles {
    async fn make() -> Self {
        let database = Database::postgres().await;
        let tag = uuid::Uuid::now_v7().simple().to_string();
        let owner = database.queue().await;
        owner.migrate().await.unwrap();
        let block = OPERATIONS.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the grants");
        let roles = ["worker", "producer", "viewer"].map(|role| format!("CREATE ROLE app_{role} LOGIN NOSUPERUSER;\n"));
        let sql = roles.concat() + block;
        let sql = sql.replace("app_", &format!("app{tag}_"));
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        owner.close().await;
        Self { database, tag }
    }

    async fn queue(&self, role: &str) -> Queue {
        let (scheme, rest) = self.database.url.split_once("://").unwrap();
        let (_, host) = rest.split_once('@').unwrap();
        let url = format!("{scheme}://app{}_{role}@{host}", self.tag);
        Queue::options().pool_size(3).connect(&url).await.expect("a queue for the role")
    }
}

impl Roles {
    /// Takes the roles out of the cluster, which outlives the database.
    async fn drop(self) {
        let mut connection = PgConnection::connect(&self.database.url).await.unwrap();
        for role in ["worker", "producer", "viewer"] {
            let role = format!("app{}_{role}", self.tag);
            let sql = format!("DROP OWNED BY {role}; DROP ROLE {role}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Postgres: run tests/run"]
async fn each_role_can_do_its_work_with_what_the_documentation_grants() {
    let roles = Roles::make().await;
    let (producer, worker, viewer) =
        (roles.queue("producer").await, roles.queue("worker").await, roles.queue("viewer").await);

    let mail = mails::enqueue(1).on(&producer).await.unwrap();
    let failing = fails_once::enqueue().on(&producer).await.unwrap();
    let first = once::enqueue(1).unique_key("k").delay(Duration::from_secs(3600)).on(&producer).await.unwrap();
    let second = once::enqueue(1).unique_key("k").on(&producer).await.unwrap();
    assert_eq!(first.id(), second.id());
    beside(&worker, async {
        mail.wait().await.unwrap();
        failing.wait().await.unwrap();
    })
    .await;
    assert!(producer.purge(JobFilter::new()).await.is_err(), "who enqueues cannot take away");

    assert!(worker.pause(PauseTarget::Everything, "anna").await.unwrap());
    let waiting = mails::enqueue(2).on(&producer).await.unwrap();
    worker.cancel(waiting.id()).await.unwrap();
    assert!(worker.resume(PauseTarget::Everything, "anna").await.unwrap());
    assert_eq!(worker.purge(JobFilter::new()).await.unwrap(), 1);
    assert!(worker.prune(Retention::parse(["0s"]).unwrap()).await.unwrap() > 0, "rows go where days cannot be dropped");

    let left = viewer.list(JobFilter::new().state(JobState::Succeeded), None, 10).await.unwrap();
    assert_eq!(left.len(), 0);
    viewer.stats(JobFilter::new()).await.unwrap();
    assert_eq!(viewer.audit(None, 10).await.unwrap().len(), 4);
    let kept = mails::enqueue(3).on(&producer).await.unwrap();
    assert!(viewer.cancel(kept.id()).await.is_err() && mails::enqueue(1).on(&viewer).await.is_err());
    assert_eq!(viewer.job(kept.id()).await.unwrap().unwrap().state, JobState::Ready);
    for queue in [producer, worker, viewer] {
        queue.close().await;
    }
    roles.drop().await;
}
