//! Commands of the operating system as jobs: what is recorded of them, and that nothing of them is left.

use std::path::Path;
use std::time::Duration;

use plain_worker::schedule::Schedule;
use plain_worker::{
    AttemptRow, AttemptStatus, Backoff, CancelAnswer, Command, CommandOutput, Error, ErrorKind, JobId, JobRow,
    JobState, NewSchedule, Queue, Registry, ScheduleRow, ScheduleState, Worker, WorkerBuilder, WorkerReport,
    scheduled_command,
};
use plain_worker_tests::{Database, Program, on_every_store, until, until_true};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// The shape of a job without arguments.
const NO_ARGUMENTS: &str = "cbf29ce484222325";
/// This program's `main` belongs to the tests, so its commands are guarded by another.
const GUARD: &str = env!("CARGO_BIN_EXE_commands");

// Never due in a test; what they are is looked at.
scheduled_command!("0 0 29 2 *", ["echo", "of the program"]);
scheduled_command!(
    "0 0 29 2 *",
    "cmd:echo $GREETING; pwd >&2",
    name = "greeting",
    tz = "Europe/Berlin",
    overlap = "queue",
    directory = "/",
    keep_env("PATH"),
    env(GREETING = "hello"),
    stop_after = "1s",
    queue = "letters",
    priority = -1,
    retries = 2,
    backoff = fixed("1s"),
    timeout = "1m",
);

/// A row as somebody with nothing but the database would write it.
struct Row<'a> {
    job: &'a str,
    arguments: &'a str,
    shape: &'a str,
    timeout: Option<Duration>,
}

impl<'a> Row<'a> {
    fn of(job: &'a str) -> Self {
        Self { job, arguments: "{}", shape: NO_ARGUMENTS, timeout: None }
    }

    async fn put(&self, database: &Database) -> JobId {
        let id = uuid::Uuid::now_v7();
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let (table, now) = if database.is_postgres() {
            ("plain_worker.job_requests", "now()")
        } else {
            ("plain_worker_job_requests", "CAST(unixepoch('subsec') * 1000000 AS INTEGER)")
        };
        let timeout = self.timeout.map_or("NULL".to_owned(), |timeout| timeout.as_millis().to_string());
        let sql = format!(
            "INSERT INTO {table} (id, state, job, queue, due_at, enqueued_at, arguments, shape, timeout_ms) \
             VALUES ('{id}', 'ready', {}, 'default', {now}, {now}, {}, {}, {timeout})",
            quoted(self.job),
            quoted(self.arguments),
            quoted(self.shape),
        );
        execute(database, sql).await;
        id.into()
    }
}

async fn execute(database: &Database, sql: String) {
    if database.is_postgres() {
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
}

fn worker(queue: &Queue, commands: impl IntoIterator<Item = Command>) -> WorkerBuilder {
    let worker = Worker::builder(queue.clone()).command_guard(GUARD);
    commands.into_iter().fold(worker, |worker, command| worker.schedule(command, "@yearly"))
}

/// Runs each of the commands once, to its end.
async fn run_all(database: &Database, commands: impl IntoIterator<Item = Command>) -> Vec<(JobRow, AttemptRow)> {
    let queue = database.queue().await;
    let commands: Vec<_> = commands.into_iter().collect();
    let mut ids = Vec::new();
    for command in &commands {
        ids.push(Row::of(&command.job_name()).put(database).await);
    }
    drain(worker(&queue, commands)).await;
    let mut ended = Vec::new();
    for id in ids {
        let row = queue.job(id).await.unwrap().unwrap();
        ended.push((row, queue.attempts(id).await.unwrap().remove(0)));
    }
    ended
}

async fn run(database: &Database, command: impl Into<Command>) -> (JobRow, AttemptRow) {
    run_all(database, [command.into()]).await.remove(0)
}

async fn drain(worker: WorkerBuilder) -> WorkerReport {
    let patience = tokio::time::timeout(plain_worker_tests::PATIENCE, worker.drain().run_until(std::future::pending()));
    patience.await.expect("it has nothing left to do in time").expect("a worker")
}

/// Runs a worker beside `work`.
async fn beside<T>(builder: WorkerBuilder, work: impl Future<Output = T>) -> (T, WorkerReport) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(builder.run_until(async { stopped.await.unwrap_or_default() }));
    let value = work.await;
    stop.send(()).expect("the worker runs");
    let report = tokio::time::timeout(plain_worker_tests::PATIENCE, running).await.expect("an end in time");
    (value, report.expect("no panic").expect("a clean end"))
}

fn output(attempt: &AttemptRow) -> CommandOutput {
    serde_json::from_str(attempt.output.as_deref().expect("an output")).expect("a command's output")
}

async fn in_state(queue: &Queue, id: JobId, state: JobState) -> JobRow {
    until(&format!("it is {state}"), || async { queue.job(id).await.unwrap().filter(|row| row.state == state) }).await
}

/// The process whose id a command wrote into a file.
async fn process(folder: &Path, file: &str) -> Pid {
    let path = folder.join(file);
    until(&format!("{file} is written"), || async {
        let text = std::fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))?;
        Pid::from_raw(text.trim().parse().ok()?)
    })
    .await
}

fn lives(pid: Pid) -> bool {
    // A process that has ended and that nobody has asked about yet still has its id.
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    test_kill_process(pid).is_ok() && !state.contains(") Z ")
}

async fn is_gone(pid: Pid) {
    until_true("the process is gone", || async { !lives(pid) }).await;
}

on_every_store! {
    a_command_is_recorded_with_what_it_printed,
    the_end_of_long_output_is_kept,
    any_bytes_can_be_printed,
    its_environment_is_the_workers_or_what_it_is_given,
    it_runs_in_its_directory,
    what_cannot_be_started_says_why,
    a_timeout_ends_the_whole_group,
    a_cancelled_command_ends_with_all_it_started,
    what_it_leaves_behind_is_ended,
    a_shutdown_hands_back_what_does_not_end_in_time,
    a_service_that_is_stopped_fails_no_command,
    a_killed_worker_leaves_no_command_behind,
    a_killed_supervisor_leaves_no_command_behind,
    a_row_runs_no_command_that_the_code_does_not_name,
    two_commands_at_once_are_two,
    commands_run_at_their_times_and_by_hand,
    a_schedule_runs_no_command_that_the_code_does_not_name,
}

async fn a_command_is_recorded_with_what_it_printed(database: Database) {
    let commands = [
        Command::shell("echo out; echo err >&2"),
        Command::new("echo").args(["a  b", "$HOME", "; exit 1"]),
        Command::shell("echo no disk >&2; exit 3"),
        Command::shell("echo last words; kill -KILL $$"),
    ];
    let ended = run_all(&database, commands).await;
    let [fine, listed, failed, killed] = &ended[..] else { panic!("{ended:?}") };

    assert_eq!((fine.0.state, fine.1.status), (JobState::Succeeded, AttemptStatus::Successful));
    assert_eq!(fine.0.output, fine.1.output);
    let printed = output(&fine.1);
    assert_eq!((printed.exit_status, printed.signal), (Some(0), None));
    assert_eq!((printed.stdout.as_str(), printed.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!((printed.stdout_bytes, printed.stderr_bytes), (4, 4));

    assert_eq!(listed.0.job, "exec:echo 'a  b' '$HOME' '; exit 1'");
    assert_eq!(output(&listed.1).stdout, "a  b $HOME ; exit 1\n");

    assert_eq!(failed.0.state, JobState::Dead);
    assert_eq!((failed.1.status, failed.1.error_kind), (AttemptStatus::Errored, Some(ErrorKind::Error)));
    assert_eq!(failed.1.error.as_deref(), Some("the command exited with status 3: no disk"));
    assert_eq!((output(&failed.1).exit_status, output(&failed.1).stderr.as_str()), (Some(3), "no disk\n"));

    assert_eq!(killed.1.error.as_deref(), Some("the command was ended by signal 9 (SIGKILL)"));
    let printed = output(&killed.1);
    assert_eq!((printed.exit_status, printed.signal, printed.stdout.as_str()), (None, Some(9), "last words\n"));
}

async fn the_end_of_long_output_is_kept(database: Database) {
    let line = "head -c 300000 /dev/zero | tr '\\0' x; echo end; head -c 70000 /dev/zero | tr '\\0' '\\1' >&2";
    let (row, attempt) = run(&database, Command::shell(line)).await;
    assert_eq!(row.state, JobState::Succeeded, "{row:?}");
    let printed = output(&attempt);
    assert_eq!((printed.stdout.len(), printed.stdout_bytes), (65_536, 300_004));
    assert!(printed.stdout.starts_with('x') && printed.stdout.ends_with("xend\n"));
    assert_eq!((printed.stderr, printed.stderr_bytes), ("\u{1}".repeat(65_536), 70_000));
}

async fn any_bytes_can_be_printed(database: Database) {
    let (row, attempt) = run(&database, "cmd:printf 'a\\000b\\377c'; printf '\\000\\376' >&2; exit 1").await;
    assert_eq!((row.state, row.error), (JobState::Dead, attempt.error.clone()));
    assert_eq!(attempt.error.as_deref(), Some("the command exited with status 1: \\0\u{fffd}"));
    let printed = output(&attempt);
    assert_eq!((printed.stdout.as_str(), printed.stdout_bytes), ("a\\0b\u{fffd}c", 5));
}

async fn its_environment_is_the_workers_or_what_it_is_given(database: Database) {
    let chosen = Command::new("env").keep_env(["PATH", "NO_SUCH_VARIABLE"]).env("LANG", "of its own");
    let cleared = Command::shell("env").clear_env();
    let ended = run_all(&database, [chosen, cleared, "cmd:env # all".into()]).await;
    let sorted = |nth: usize| {
        let mut lines: Vec<_> = output(&ended[nth].1).stdout.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let own = |nth: usize| ["PLAIN_WORKER_ATTEMPT=1".to_owned(), format!("PLAIN_WORKER_JOB_ID={}", ended[nth].0.id)];
    assert_eq!(sorted(0), [vec!["LANG=of its own".to_owned(), path.clone()], own(0).to_vec()].concat());
    // A shell sets some by itself.
    let of_the_shell = |line: &String| !["PWD=", "_=", "SHLVL=", "OLDPWD="].iter().any(|own| line.starts_with(own));
    assert_eq!(sorted(1).into_iter().filter(of_the_shell).collect::<Vec<_>>(), own(1));
    let all = sorted(2);
    assert!(all.contains(&path) && own(2).iter().all(|line| all.contains(line)), "{all:?}");
    assert!(!all.iter().any(|line| line.starts_with("PLAIN_WORKER_GUARD")), "{all:?}");
}

async fn it_runs_in_its_directory(database: Database) {
    let folder = database.folder.path().canonicalize().unwrap();
    let (row, attempt) = run(&database, Command::new("pwd").directory(folder.to_str().unwrap())).await;
    assert_eq!(row.state, JobState::Succeeded);
    assert_eq!(Path::new(output(&attempt).stdout.trim_end()), folder);
}

async fn what_cannot_be_started_says_why(database: Database) {
    let nowhere = database.folder.path().join("nowhere");
    let no_folder = Command::new("true").directory(nowhere.to_str().unwrap());
    let no_program = Command::new("no-such-program").arg("x");
    let no_word = Command::shell("no-such-program");
    let ended = run_all(&database, [no_folder, no_program, no_word]).await;
    let errors: Vec<_> = ended.iter().map(|(_, attempt)| attempt.error.clone().unwrap()).collect();
    assert_eq!(errors[0], format!("the command's working directory {} is not there", nowhere.display()));
    assert_eq!(errors[1], "the command `no-such-program` cannot be started: No such file or directory (os error 2)");
    assert!(errors[2].starts_with("the command exited with status 127: sh: "), "{}", errors[2]);
    assert!(ended.iter().all(|(row, _)| row.state == JobState::Dead));
}

/// A command whose children, in its group, do not listen to SIGTERM.
fn deaf_family(folder: &Path) -> Command {
    let line = "trap '' TERM; echo started; (sleep 1000 & echo $! > grandchild.pid; wait) & sleep 1000 & \
                echo $! > child.pid; wait";
    Command::shell(line).directory(folder.to_str().unwrap()).stop_after(Duration::from_millis(200))
}

async fn a_timeout_ends_the_whole_group(database: Database) {
    let (queue, folder) = (database.queue().await, database.folder.path());
    let command = deaf_family(folder);
    let name = command.job_name();
    let row = Row { timeout: Some(Duration::from_secs(2)), ..Row::of(&name) };
    let id = row.put(&database).await;
    drain(worker(&queue, [command])).await;
    let attempt = queue.attempts(id).await.unwrap().remove(0);
    assert_eq!((attempt.status, attempt.error_kind), (AttemptStatus::Errored, Some(ErrorKind::Timeout)));
    assert_eq!(
        attempt.error.as_deref(),
        Some("ran longer than its timeout of 2s: the command was ended by signal 9 (SIGKILL)")
    );
    assert_eq!(output(&attempt).stdout, "started\n");
    // Its end was recorded when all of it had ended, not before.
    assert!(!lives(process(folder, "child.pid").await));
    assert!(!lives(process(folder, "grandchild.pid").await));
}

async fn a_cancelled_command_ends_with_all_it_started(database: Database) {
    let (queue, folder) = (database.queue().await, database.folder.path());
    let command = deaf_family(folder);
    let polite = Command::shell("trap 'echo stopping; exit 0' TERM; echo > polite; sleep 1000 & wait")
        .directory(folder.to_str().unwrap());
    let deaf_id = Row::of(&command.job_name()).put(&database).await;
    let polite_id = Row::of(&polite.job_name()).put(&database).await;
    beside(worker(&queue, [command, polite]), async {
        let pids = (process(folder, "child.pid").await, process(folder, "grandchild.pid").await);
        until_true("the other runs, too", || async { folder.join("polite").exists() }).await;
        assert_eq!(queue.cancel(deaf_id).await.unwrap(), CancelAnswer::Asked);
        assert_eq!(queue.cancel(polite_id).await.unwrap(), CancelAnswer::Asked);
        in_state(&queue, deaf_id, JobState::Cancelled).await;
        assert!(!lives(pids.0) && !lives(pids.1));
        in_state(&queue, polite_id, JobState::Cancelled).await;
    })
    .await;
    let attempt = queue.attempts(polite_id).await.unwrap().remove(0);
    assert_eq!((attempt.status, output(&attempt).stdout.as_str()), (AttemptStatus::Cancelled, "stopping\n"));
    let attempt = queue.attempts(deaf_id).await.unwrap().remove(0);
    assert_eq!((attempt.status, output(&attempt).signal), (AttemptStatus::Cancelled, Some(9)));
}

async fn what_it_leaves_behind_is_ended(database: Database) {
    let folder = database.folder.path();
    let directory = folder.to_str().unwrap();
    let quiet = Command::shell("sleep 1000 >/dev/null 2>&1 & echo $! > quiet.pid").directory(directory);
    // It holds the streams of the command open, and hears no SIGTERM.
    let loud = Command::shell("trap '' TERM; sleep 1000 & echo $! > loud.pid; echo done").directory(directory);
    let ended = run_all(&database, [quiet, loud]).await;
    assert!(ended.iter().all(|(row, _)| row.state == JobState::Succeeded), "{ended:?}");
    assert_eq!(output(&ended[1].1).stdout, "done\n");
    assert!(!lives(process(folder, "quiet.pid").await));
    assert!(!lives(process(folder, "loud.pid").await));
}

async fn a_shutdown_hands_back_what_does_not_end_in_time(database: Database) {
    let (queue, folder) = (database.queue().await, database.folder.path());
    let deaf = deaf_family(folder);
    let quick =
        Command::shell("echo > quick; while ! test -e go; do sleep 0.05; done").directory(folder.to_str().unwrap());
    let deaf_id = Row::of(&deaf.job_name()).put(&database).await;
    let quick_id = Row::of(&quick.job_name()).put(&database).await;
    let builder = worker(&queue, [deaf, quick]).grace(Duration::from_secs(3));
    let ((), report) = beside(builder, async {
        process(folder, "grandchild.pid").await;
        until_true("the other runs, too", || async { folder.join("quick").exists() }).await;
        std::fs::write(folder.join("go"), "").unwrap();
    })
    .await;
    assert!(report.clean, "{report:?}");
    // One had the time to end by itself.
    assert_eq!(queue.job(quick_id).await.unwrap().unwrap().state, JobState::Succeeded);
    let row = queue.job(deaf_id).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempt, row.failures), (JobState::Ready, 0, 0));
    let attempt = queue.attempts(deaf_id).await.unwrap().remove(0);
    assert_eq!(attempt.status, AttemptStatus::HandedBack);
    is_gone(process(folder, "grandchild.pid").await).await;
}

async fn a_service_that_is_stopped_fails_no_command(database: Database) {
    let (queue, folder) = (database.queue().await, database.folder.path());
    let mut program = Program::start(GUARD, &database, &["worker"]);
    program.prints("ready").await;
    let id = Row::of("polite").put(&database).await;
    let pid = process(folder, "polite.pid").await;
    // As a service's manager does: all its processes get the signal, in any order.
    kill_process(pid, Signal::TERM).unwrap();
    program.signal(Signal::TERM);
    assert_eq!(program.ended().await, Some(0), "{}", program.output());
    let row = queue.job(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempt, row.failures), (JobState::Ready, 0, 0));
    is_gone(pid).await;
}

async fn a_killed_worker_leaves_no_command_behind(database: Database) {
    let (queue, folder) = (database.queue().await, database.folder.path());
    let mut program = Program::start(GUARD, &database, &["worker"]);
    program.prints("ready").await;
    let ids = [Row::of("deaf").put(&database).await, Row::of("polite").put(&database).await];
    let pids = [process(folder, "deaf.pid").await, process(folder, "polite.pid").await];
    for id in ids {
        in_state(&queue, id, JobState::Running).await;
    }
    program.signal(Signal::KILL);
    assert_eq!(program.ended().await, None);
    for pid in pids {
        is_gone(pid).await;
    }
    // Nothing is lost with it: another worker runs them again.
    let commands = [Command::shell("true").name("deaf"), Command::shell("true").name("polite")];
    beside(worker(&queue, commands), async {
        for id in ids {
            in_state(&queue, id, JobState::Succeeded).await;
        }
    })
    .await;
    let attempts = queue.attempts(ids[0]).await.unwrap();
    let status: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(status, [AttemptStatus::Lost, AttemptStatus::Successful]);
}

async fn a_killed_supervisor_leaves_no_command_behind(database: Database) {
    let (queue, folder) = (database.queue().await, database.folder.path());
    let mut supervisor = Program::start(env!("CARGO_BIN_EXE_scheduled"), &database, &["worker", "--processes", "2"]);
    let id = Row::of("deaf").put(&database).await;
    let pid = process(folder, "deaf.pid").await;
    in_state(&queue, id, JobState::Running).await;
    supervisor.signal(Signal::KILL);
    assert_eq!(supervisor.ended().await, None);
    is_gone(pid).await;
}

async fn a_row_runs_no_command_that_the_code_does_not_name(database: Database) {
    let queue = database.queue().await;
    let folder = database.folder.path().to_str().unwrap();
    let ours = Command::shell("echo ours");
    let foreign_line = format!("cmd:echo > {folder}/foreign");
    let foreign_list = format!("exec:touch {folder}/foreign");
    let arguments = format!(r#"{{"line":"echo > {folder}/foreign"}}"#);
    let foreign = Row::of(&foreign_line).put(&database).await;
    let listed = Row::of(&foreign_list).put(&database).await;
    let tampered = Row { arguments: &arguments, ..Row::of("cmd:echo ours") }.put(&database).await;
    let of_other_shape = Row { arguments: &arguments, shape: "0", ..Row::of("cmd:echo ours") }.put(&database).await;
    let fine = Row::of("cmd:echo ours").put(&database).await;
    drain(worker(&queue, [ours])).await;

    let row = async |id| queue.job(id).await.unwrap().unwrap();
    for (id, name) in [(foreign, &foreign_line), (listed, &foreign_list)] {
        let row = row(id).await;
        assert_eq!((row.state, row.attempt), (JobState::Parked, 0));
        assert_eq!(
            row.error.unwrap(),
            format!(
                "no worker that lives has `{name}` in its own code; a worker runs no command that a row alone names"
            )
        );
    }
    let tampered = row(tampered).await;
    assert_eq!(tampered.state, JobState::Dead);
    assert_eq!(queue.attempts(tampered.id).await.unwrap()[0].error_kind, Some(ErrorKind::Corrupt));
    let error = tampered.error.unwrap();
    assert!(
        error.starts_with("a command takes no arguments, and this row has some: unknown argument `line`"),
        "{error}"
    );
    let of_other_shape = row(of_other_shape).await;
    assert_eq!(of_other_shape.state, JobState::Parked);
    assert!(of_other_shape.error.unwrap().contains("unknown argument `line`"));
    assert_eq!(row(fine).await.state, JobState::Succeeded);
    assert!(!database.folder.path().join("foreign").exists());
}

async fn two_commands_at_once_are_two(database: Database) {
    let folder = database.folder.path();
    let line = "echo > $0; for try in $(seq 1000); do test -e one -a -e two && exit 0; sleep 0.05; done; exit 1";
    let command = |name| Command::shell(line).arg(name).directory(folder.to_str().unwrap());
    // Each ends when it sees the other.
    let ended = run_all(&database, [command("one"), command("two")]).await;
    assert!(ended.iter().all(|(row, _)| row.state == JobState::Succeeded), "{ended:?}");
}

async fn commands_run_at_their_times_and_by_hand(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    // The same time, twice a command for the shell, once a list.
    let commands = [
        Command::shell("echo at $PLAIN_WORKER_SLOT"),
        Command::shell("echo another at $PLAIN_WORKER_SLOT"),
        Command::new("echo").arg("a list"),
    ];
    let names: Vec<_> = commands.iter().map(Command::job_name).collect();
    let worker = Worker::builder(queue.clone()).command_guard(GUARD);
    let worker = commands.into_iter().fold(worker, |worker, command| worker.schedule(command, "@hourly"));
    beside(worker, async {
        let all = |what: &'static str, is: fn(&ScheduleRow) -> bool| {
            let queue = queue.clone();
            until(what, move || {
                let queue = queue.clone();
                async move {
                    let rows = queue.schedules().list().await.unwrap();
                    // Those of the macro are there as well.
                    let rows: Vec<_> = rows.into_iter().filter(|row| row.expression == "0 * * * *").collect();
                    (rows.len() == 3 && rows.iter().all(is)).then_some(rows)
                }
            })
        };
        all("they are registered", |row| row.state == ScheduleState::Active).await;
        queue.move_clock(Duration::from_secs(60 * 60)).await.unwrap();
        let rows = all("they have run", |row| row.last_state == Some(JobState::Succeeded)).await;
        for row in &rows {
            let job = queue.job(row.last_job.unwrap()).await.unwrap().unwrap();
            assert!(names.contains(&job.job) && row.name == format!("{} 0 * * * * UTC", job.job), "{row:?}");
            let printed: CommandOutput = serde_json::from_str(&job.output.unwrap()).unwrap();
            let slot = row.last_slot.unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            match job.job.as_str() {
                "exec:echo 'a list'" => assert_eq!(printed.stdout, "a list\n"),
                "cmd:echo at $PLAIN_WORKER_SLOT" => assert_eq!(printed.stdout, format!("at {slot}\n")),
                _ => assert_eq!(printed.stdout, format!("another at {slot}\n")),
            }
        }
        // After so long a leap of the clock a worker is taken for gone until it says that it is there.
        all("its worker lives", |row| row.state == ScheduleState::Active).await;
        let id = queue.schedules().run_now(&rows[0].name).await.unwrap();
        in_state(&queue, id, JobState::Succeeded).await;
    })
    .await;
}

async fn a_schedule_runs_no_command_that_the_code_does_not_name(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    let foreign = format!("exec:touch {}/foreign", database.folder.path().display());
    let hourly = || Schedule::parse("@hourly").unwrap();
    let worker = Worker::builder(queue.clone()).command_guard(GUARD);
    beside(worker.schedule("cmd:echo ours", "@hourly").schedule("cmd:echo tick", "@hourly"), async {
        let schedules = queue.schedules();
        until_true("they are registered", || async { schedules.list().await.unwrap().len() == 4 }).await;
        let refused = schedules.add(NewSchedule::by_name("foreign", hourly(), &foreign)).await;
        assert!(matches!(refused, Err(Error::UnknownJob { .. })), "{refused:?}");
        // Somebody who can write into the database changes one of each kind.
        schedules.add(NewSchedule::by_name("added", hourly(), "cmd:echo ours")).await.unwrap();
        let table = if database.is_postgres() { "plain_worker.schedules" } else { "plain_worker_schedules" };
        let sql = format!("UPDATE {table} SET job = '{foreign}' WHERE name NOT LIKE 'cmd:echo tick%'");
        execute(&database, sql).await;
        queue.move_clock(Duration::from_secs(2 * 60 * 60)).await.unwrap();
        let tick = "cmd:echo tick 0 * * * * UTC";
        until_true("the times have come", || async { schedules.get(tick).await.unwrap().last_job.is_some() }).await;
        let added = schedules.get("added").await.unwrap();
        assert_eq!((added.state, added.last_job), (ScheduleState::Stopped, None));
        assert_eq!(added.problem.unwrap(), format!("no worker that lives has job `{foreign}`: nothing is run"));
        // What is run by a schedule in code is told by the code.
        let ours = until("its time has come, too", || async {
            schedules.get("cmd:echo ours 0 * * * * UTC").await.unwrap().last_job
        })
        .await;
        assert_eq!(in_state(&queue, ours, JobState::Succeeded).await.job, "cmd:echo ours");
    })
    .await;
    assert!(!database.folder.path().join("foreign").exists());
}

#[tokio::test]
async fn a_program_that_cannot_guard_its_commands_is_told_at_its_start() {
    let database = Database::sqlite();
    let queue = database.queue().await;
    let start = async |worker: WorkerBuilder| worker.run_until(async {}).await.expect_err("a refusal").to_string();
    let ours = || Worker::builder(queue.clone()).schedule("cmd:true", "@daily");
    assert_eq!(
        start(ours()).await,
        "the worker cannot start: this program has scheduled commands, and each needs a guard that ends it with the \
         worker: call `plain_worker::guard_commands()` at the beginning of `main` (`plain_worker::main()` does), or \
         put the `plain-worker` binary into the folder of this program; `.without_commands()` leaves them to other \
         workers"
    );
    assert_eq!(
        start(ours().command_guard("/nowhere/guard")).await,
        "the worker cannot start: commands cannot run: their guard /nowhere/guard cannot be started: No such file or \
         directory (os error 2)"
    );
    let no_guard = start(ours().command_guard("true")).await;
    assert!(no_guard.contains("their guard true ends without a word; it must be of the same version"), "{no_guard}");
}

#[tokio::test]
async fn the_macro_says_all_that_a_command_can() {
    let registry = Registry::of_program().unwrap();
    assert!(registry.get("exec:echo 'of the program'").is_some());
    let greeting = registry.get("greeting").unwrap();
    let expected = Command::shell("echo $GREETING; pwd >&2")
        .name("greeting")
        .directory("/")
        .keep_env(["PATH"])
        .env("GREETING", "hello")
        .stop_after(Duration::from_secs(1))
        .queue("letters")
        .priority(-1)
        .retries(2)
        .backoff(Backoff::fixed(Duration::from_secs(1)))
        .timeout(Duration::from_secs(60));
    assert_eq!(greeting.command, Some(&expected));
    assert_eq!((greeting.options.queue, greeting.options.retries), ("letters", 2));
    let schedule = greeting.schedules[0];
    assert_eq!((schedule.name, schedule.expression), (Some("greeting"), "0 0 29 2 *"));
    assert_eq!((schedule.zone, schedule.overlap), (Some("Europe/Berlin"), Some("queue")));
    assert!(greeting.file.ends_with("commands.rs") && greeting.line > 1, "{}", greeting.place());

    let database = Database::sqlite();
    let queue = database.queue().await;
    let id = Row::of("greeting").put(&database).await;
    drain(worker(&queue, [])).await;
    let printed = output(&queue.attempts(id).await.unwrap()[0]);
    assert_eq!((printed.stdout.as_str(), printed.stderr.as_str()), ("hello\n", "/\n"));
}

#[tokio::test]
async fn a_worker_without_commands_leaves_them_to_others() {
    let database = Database::sqlite();
    let queue = database.queue().await;
    let id = Row::of("greeting").put(&database).await;
    let refused = Worker::builder(queue.clone()).without_commands().run_until(async {}).await.expect_err("no jobs");
    assert!(refused.to_string().contains("this program has no jobs"), "{refused}");
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Ready);
}

#[tokio::test]
async fn what_is_wrong_with_a_command_is_told_at_the_start() {
    let database = Database::sqlite();
    let queue = database.queue().await;
    let start = async |command: Command, when: &'static str| {
        let worker = Worker::builder(queue.clone()).command_guard(GUARD).schedule(command, when);
        let text = worker.run_until(async {}).await.expect_err("a refusal").to_string();
        assert!(text.contains(file!()), "{text}");
        text
    };
    let text = start("cmd:true".into(), "* * * *").await;
    assert!(text.contains("five fields are needed"), "{text}");
    let text = start("true".into(), "@daily").await;
    assert!(text.contains("`true` is no command: write `cmd:true` for the shell"), "{text}");
}

#[tokio::test]
async fn a_main_that_forgets_the_guard_starts_no_second_worker() {
    let database = Database::sqlite();
    // In a folder where no other program of ours is, which could be the guard.
    let alone = database.folder.path().join("program");
    // Not copied here: a test beside this one that starts a process would keep the file open for writing.
    let copied = std::process::Command::new("cp").args([GUARD.as_ref(), alone.as_os_str()]).output().expect("cp");
    assert!(copied.status.success(), "{copied:?}");
    let mut forgets = Program::start(&alone, &database, &["unguarded"]);
    assert_eq!(forgets.ended().await, Some(1));
    assert!(forgets.output().contains("call `plain_worker::guard_commands()` at the beginning of `main`"));
    // Named as a guard by another program, it does not become a worker either.
    let mut command = tokio::process::Command::new(GUARD);
    command.arg("unguarded").env("PLAIN_WORKER_GUARD", "1").env("DATABASE_URL", &database.url);
    let mut second = Program::start_command(command);
    assert_eq!(second.ended().await, Some(1));
    assert!(second.output().contains("this process was started to guard a command of another worker"));
}

#[tokio::test]
async fn a_program_of_ours_is_its_own_guard() {
    let database = Database::sqlite();
    let queue = database.queue().await;
    let mut program = Program::start(env!("CARGO_BIN_EXE_scheduled"), &database, &["worker"]);
    let id = Row::of("deaf").put(&database).await;
    let pid = process(database.folder.path(), "deaf.pid").await;
    in_state(&queue, id, JobState::Running).await;
    assert_eq!(queue.cancel(id).await.unwrap(), CancelAnswer::Asked);
    in_state(&queue, id, JobState::Cancelled).await;
    assert!(!lives(pid));
    program.signal(Signal::TERM);
    assert_eq!(program.ended().await, Some(0), "{}", program.output());
}

#[tokio::test]
async fn a_guard_that_nobody_asked_for_says_so() {
    let mut command = tokio::process::Command::new(GUARD);
    command.env("PLAIN_WORKER_GUARD", "1");
    let mut guard = Program::start_command(command);
    assert_eq!(guard.ended().await, Some(2));
    assert_eq!(
        guard.output(),
        "plain-worker: this process was started to guard a command and cannot: its standard input is no socket; \
         unset PLAIN_WORKER_GUARD\n"
    );
}
