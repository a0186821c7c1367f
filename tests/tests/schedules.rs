//! Schedules: slots become runs once each, and what people do with them takes effect.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use plain_worker::schedule::{Schedule, Tz};
use plain_worker::{
    BoxError, CatchUp, Context, Error, JobFilter, JobState, NewSchedule, Overlap, Queue, ScheduleChange, ScheduleRow,
    ScheduleState, Worker, WorkerBuilder, WorkerReport, job, scheduled,
};
use plain_worker_tests::{Database, on_every_store, until, until_true};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What runs tell the test: who they are, and their slots.
type Told = (String, Option<DateTime<Utc>>);

#[derive(Clone)]
struct Board {
    told: mpsc::UnboundedSender<Told>,
    /// What `held` waits for.
    gate: Arc<Semaphore>,
}

#[scheduled("0 * * * *", name = "eu", args(region = "eu"))]
#[scheduled("0 * * * *", args(region = "us"))]
async fn report(region: String, #[inject] ctx: Context, #[inject] board: Board) {
    let _ = board.told.send((region, ctx.slot()));
}

#[job]
async fn tick(#[inject] ctx: Context, #[inject] board: Board) {
    let _ = board.told.send(("tick".to_owned(), ctx.slot()));
}

#[job]
async fn held(#[inject] ctx: Context, #[inject] board: Board) -> Result<(), BoxError> {
    let _ = board.told.send(("held".to_owned(), ctx.slot()));
    board.gate.acquire().await?.forget();
    Ok(())
}

fn no_number() -> Result<u8, std::num::ParseIntError> {
    "none".parse()
}

fn no_number_at_all() -> u8 {
    panic!("there is none")
}

#[scheduled("0 * * * *", name = "fails", args(n = no_number()?))]
#[scheduled("0 * * * *", name = "panics", args(n = no_number_at_all()))]
async fn numbered(n: u8) {
    let _ = n;
}

#[job(queue = "elsewhere")]
#[scheduled("45 9 * * *", name = "elsewhere")]
async fn elsewhere() {}

/// A worker in this process on a clock that the test moves.
struct Work {
    queue: Queue,
    told: Mutex<mpsc::UnboundedReceiver<Told>>,
    board: Board,
    running: Option<(oneshot::Sender<()>, JoinHandle<WorkerReport>)>,
}

impl Work {
    async fn new(database: &Database) -> Self {
        let (told, received) = mpsc::unbounded_channel();
        let board = Board { told, gate: Arc::new(Semaphore::new(0)) };
        let queue = database.queue_with_movable_clock().await;
        let work = Self { queue, told: received.into(), board, running: None };
        // Ten past, whenever the test begins.
        let now = work.now().await;
        let ten_past = now.duration_trunc(TimeDelta::hours(1)).unwrap() + TimeDelta::minutes(70);
        work.queue.move_clock((ten_past - now).to_std().unwrap()).await.unwrap();
        work
    }

    /// With a worker that has looked at the schedules once.
    async fn started(database: &Database) -> Self {
        let mut work = Self::new(database).await;
        work.start(|builder| builder).await;
        work
    }

    async fn start(&mut self, change: impl FnOnce(WorkerBuilder) -> WorkerBuilder) {
        self.running = Some(self.spawn(change));
        until("its schedules are registered", || async {
            let rows = self.queue.schedules().list().await.unwrap();
            let known = rows.iter().filter(|row| !row.dynamic && row.state != ScheduleState::Stopped);
            (known.count() >= 5).then_some(())
        })
        .await;
    }

    fn spawn(
        &self,
        change: impl FnOnce(WorkerBuilder) -> WorkerBuilder,
    ) -> (oneshot::Sender<()>, JoinHandle<WorkerReport>) {
        let (stop, stopped) = oneshot::channel::<()>();
        // The clock jumps by hours: nobody is to be taken for dead.
        let builder = Worker::builder(self.queue.clone()).state(self.board.clone()).lease(HOUR * 24 * 3650);
        let builder = change(builder);
        let running = tokio::spawn(async move {
            builder.run_until(async { stopped.await.unwrap_or_default() }).await.expect("a worker")
        });
        (stop, running)
    }

    async fn stop(&mut self) {
        let (stop, running) = self.running.take().expect("a worker");
        stop.send(()).expect("it runs");
        running.await.expect("a clean end");
    }

    /// What a run tells next.
    async fn told(&self) -> Told {
        let mut told = self.told.lock().await;
        let next = tokio::time::timeout(plain_worker_tests::PATIENCE, told.recv()).await;
        next.expect("a run within the patience").expect("a board")
    }

    async fn row(&self, name: &str) -> ScheduleRow {
        self.queue.schedules().get(name).await.expect("a schedule")
    }

    /// Moves the clock, and waits until everything that is due is settled.
    async fn pass(&self, time: Duration) {
        self.queue.move_clock(time).await.unwrap();
        let now = self.now().await;
        until_true("all that is due is settled", || async {
            let rows = self.queue.schedules().list().await.unwrap();
            rows.iter().filter(|row| row.state == ScheduleState::Active).all(|row| {
                row.schedule().is_ok_and(|schedule| schedule.next_after(row.settled_at).is_none_or(|next| next > now))
            })
        })
        .await;
    }

    /// The clock of the database.
    async fn now(&self) -> DateTime<Utc> {
        // Without any schedule the clock has not been moved yet.
        self.queue.schedules().list().await.unwrap().first().map_or_else(Utc::now, |row| row.now)
    }

    async fn add(&self, new: NewSchedule) {
        self.queue.schedules().add(new).await.expect("a new schedule");
    }
}

fn parse(expression: &str) -> Schedule {
    Schedule::parse(expression).expect("an expression")
}

async fn every_minute_of_a_day_runs_once(database: Database) {
    let work = Work::started(&database).await;
    let begun = work.now().await;
    work.add(NewSchedule::new("minutely", parse("* * * * *"), tick {}).overlap(Overlap::Allow)).await;
    let first = begun.duration_trunc(TimeDelta::minutes(1)).unwrap();
    let mut slots = Vec::new();
    for _ in 0..1_440 {
        work.queue.move_clock(MINUTE).await.unwrap();
        loop {
            if let (name, Some(slot)) = work.told().await
                && name == "tick"
            {
                slots.push(slot);
                break;
            }
        }
    }
    assert_eq!(slots[0], first + TimeDelta::minutes(1));
    let expected: Vec<_> = (0..1_440).map(|minute| slots[0] + TimeDelta::minutes(minute)).collect();
    assert_eq!(slots, expected);
    let row = work.row("minutely").await;
    assert_eq!((row.last_slot, row.skipped), (expected.last().copied(), 0));
}

async fn each_schedule_of_a_function_has_its_own_row_and_arguments(database: Database) {
    let mut work = Work::new(&database).await;
    work.start(|builder| builder.time_zone(Tz::Europe__Berlin)).await;
    let rows = work.queue.schedules().list().await.unwrap();
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    let unnamed = "report(region = \"us\") 0 * * * * Europe/Berlin";
    assert_eq!(names, ["elsewhere", "eu", "fails", "panics", unnamed]);
    let eu = &rows[1];
    assert_eq!(
        (eu.job.as_str(), eu.queue.as_deref(), eu.arguments.as_str()),
        ("report", Some("default"), r#"{"region":"eu"}"#)
    );
    assert_eq!((eu.timezone.as_str(), eu.state, eu.last_slot), ("Europe/Berlin", ScheduleState::Active, None));
    work.pass(HOUR).await;
    let mut told = [work.told().await, work.told().await];
    told.sort();
    assert_eq!(told.each_ref().map(|(region, _)| region.as_str()), ["eu", "us"]);
    assert_eq!(told[0].1, told[1].1);
    let slot = told[0].1.expect("a slot");
    assert_eq!(slot, slot.duration_trunc(TimeDelta::hours(1)).unwrap());
    let row = work.row("eu").await;
    assert_eq!(row.last_slot, Some(slot));
    let job = work.queue.job(row.last_job.unwrap()).await.unwrap().unwrap();
    assert_eq!((job.slot, job.source.as_deref()), (Some(slot), Some("schedule eu")));
    // Arguments that cannot be made hold nothing up, and are told.
    for (name, reason) in
        [("fails", "its arguments could not be made: invalid digit found in string"), ("panics", "panicked at")]
    {
        let row = work.row(name).await;
        assert_eq!((row.last_slot, row.skipped, row.last_skip), (None, 1, Some(slot)), "{name}");
        assert!(row.skip_reason.as_ref().is_some_and(|told| told.contains(reason)), "{row:?}");
    }
}

async fn after_a_downtime_the_policy_decides(database: Database) {
    let mut work = Work::started(&database).await;
    for &catch_up in CatchUp::ALL {
        let name = catch_up.as_str();
        work.add(NewSchedule::new(name, parse("0 * * * *"), tick {}).catch_up(catch_up)).await;
    }
    let begun = work.row("all").await.settled_at;
    work.stop().await;
    assert_eq!(work.row("all").await.state, ScheduleState::Stopped);
    work.queue.move_clock(HOUR * 6).await.unwrap();
    let missed: Vec<_> = parse("0 * * * *").upcoming(begun).take(6).collect();
    work.start(|builder| builder).await;
    work.pass(Duration::ZERO).await;
    until_true("those that wait have run", || async { work.row("all").await.waiting.is_empty() }).await;
    let mut ran = Vec::new();
    while ran.len() < 7 {
        if let (name, Some(slot)) = work.told().await
            && name == "tick"
        {
            ran.push(slot);
        }
    }
    ran.sort();
    let mut expected = missed.clone();
    expected.push(missed[5]);
    assert_eq!(ran, expected, "all of them, and the latest once more");
    for (name, last, skipped) in [("all", Some(missed[5]), 0), ("latest", Some(missed[5]), 5), ("none", None, 6)] {
        let row = work.row(name).await;
        assert_eq!((row.last_slot, row.skipped), (last, skipped), "{name}: {row:?}");
    }
    let reason = work.row("none").await.skip_reason.unwrap();
    assert!(reason.starts_with("no worker was there at its time"), "{reason}");
    // The window of a day.
    work.stop().await;
    work.add(NewSchedule::new("monthly", parse("0 0 1 * *"), tick {})).await;
    let first = parse("0 0 1 * *").next_after(work.row("monthly").await.settled_at).unwrap();
    let later = first + TimeDelta::hours(30) - work.now().await;
    work.queue.move_clock(later.to_std().unwrap()).await.unwrap();
    work.start(|builder| builder).await;
    until_true("it is passed over", || async { work.row("monthly").await.skipped == 1 }).await;
    assert_eq!(work.row("monthly").await.last_slot, None);
}

async fn a_slot_whose_run_before_goes_on_is_skipped_or_waits_or_runs_beside_it(database: Database) {
    let work = Work::started(&database).await;
    for &overlap in Overlap::ALL {
        work.add(NewSchedule::new(overlap.as_str(), parse("0 * * * *"), held {}).overlap(overlap)).await;
    }
    for _ in 0..3 {
        work.pass(HOUR).await;
    }
    let running = || async {
        let filter = JobFilter::new().job("held").state(JobState::Running);
        work.queue.stats(filter).await.unwrap().iter().map(|line| line.count).sum::<u64>()
    };
    until_true("five of them run", || async { running().await == 5 }).await;
    let slots = |row: ScheduleRow| (row.skipped, row.waiting.len());
    assert_eq!(slots(work.row("skip").await), (2, 0));
    assert_eq!(slots(work.row("queue").await), (0, 2));
    assert_eq!(slots(work.row("allow").await), (0, 0));
    let skip = work.row("skip").await;
    let reason = format!("the run before it (job {}) had not ended", skip.last_job.unwrap());
    assert_eq!(skip.skip_reason, Some(reason));
    assert_eq!(skip.last_state, Some(JobState::Running));
    work.board.gate.add_permits(7);
    until_true("those that waited have run", || async {
        let row = work.row("queue").await;
        row.waiting.is_empty() && row.last_state == Some(JobState::Succeeded)
    })
    .await;
    let ended = work.queue.stats(JobFilter::new().job("held").state(JobState::Succeeded)).await.unwrap();
    assert_eq!(ended.iter().map(|line| line.count).sum::<u64>(), 7);
}

async fn a_schedule_is_paused_resumed_and_run_by_hand(database: Database) {
    let work = Work::started(&database).await;
    let schedules = work.queue.schedules();
    schedules.clone().by("ann").pause("eu").await.unwrap();
    let row = work.row("eu").await;
    assert_eq!((row.state, row.paused_by.as_deref()), (ScheduleState::Paused, Some("ann")));
    work.pass(HOUR * 3).await;
    assert_eq!(work.told().await.0, "us", "the other one runs");
    let by_hand = schedules.run_now("eu").await.unwrap();
    assert_eq!(work.told().await, ("eu".to_owned(), None), "also while it is paused");
    until_true("it has run", || async {
        work.queue.job(by_hand).await.unwrap().is_some_and(|job| job.state == JobState::Succeeded)
    })
    .await;
    let row = work.row("eu").await;
    assert_eq!((row.last_job, row.last_slot, row.run_now), (Some(by_hand), None, None));
    schedules.resume("eu").await.unwrap();
    work.pass(HOUR).await;
    let mut told = [work.told().await, work.told().await];
    told.sort();
    assert_eq!(told[0].1, told[1].1, "what passed in the pause is not run");
    assert_eq!(work.row("eu").await.skipped, 0);
    let missing = schedules.pause("eue").await.unwrap_err();
    let text = format!("there is no schedule `eue` in {}: did you mean `eu`?", work.queue.describe());
    assert_eq!(missing.to_string(), text);
}

async fn schedules_are_added_changed_and_removed_at_run_time(database: Database) {
    let work = Work::started(&database).await;
    let schedules = work.queue.schedules();
    let text = |answer: plain_worker::Result<()>| answer.unwrap_err().to_string();
    let jp = || {
        NewSchedule::new("jp", Schedule::parse_in("0 9 * * *", "Asia/Tokyo").unwrap(), report { region: "jp".into() })
    };
    work.add(jp()).await;
    assert_eq!(text(schedules.add(jp()).await), "schedule `jp` exists already: change it, or remove it first");
    assert_eq!(
        text(schedules.add(NewSchedule::by_name("x", parse("@daily"), "reprot")).await),
        "no job named `reprot` is registered: did you mean `report`?"
    );
    assert_eq!(
        text(schedules.add(NewSchedule::by_name("x", parse("@daily"), "report")).await),
        "schedule `x` does not fit: job `report` cannot read the arguments: missing argument `region`"
    );
    assert_eq!(
        text(schedules.change("eu", ScheduleChange::new().overlap(Overlap::Allow)).await),
        "schedule `eu` stands in the code of a worker: change it there"
    );
    assert_eq!(
        text(schedules.remove("eu").await.map(drop)),
        "schedule `eu` stands in the code of a worker: pause it, or take it out of the code"
    );
    let row = work.row("jp").await;
    assert_eq!((row.timezone.as_str(), row.dynamic, row.state), ("Asia/Tokyo", true, ScheduleState::Active));
    schedules
        .change("jp", ScheduleChange::new().schedule(parse("*/30 * * * *")).arguments(r#"{"region":"jp2"}"#))
        .await
        .unwrap();
    let row = work.row("jp").await;
    assert_eq!((row.expression.as_str(), row.timezone.as_str()), ("*/30 * * * *", "Asia/Tokyo"));
    work.pass(MINUTE * 30).await;
    loop {
        if work.told().await.0 == "jp2" {
            break;
        }
    }
    // Removed while a run of it waits: nothing stays queued.
    work.queue.pause(plain_worker::PauseTarget::of::<report>(), "test").await.unwrap();
    work.pass(MINUTE * 30).await;
    until_true("its run waits", || async { work.row("jp").await.last_state == Some(JobState::Ready) }).await;
    let waiting = work.row("jp").await.last_job.unwrap();
    assert_eq!(schedules.remove("jp").await.unwrap(), 1);
    let job = work.queue.job(waiting).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.error.as_deref()),
        (JobState::Cancelled, Some("cancelled by the removal of its schedule"))
    );
    assert!(matches!(schedules.get("jp").await, Err(Error::NoSuchSchedule { .. })));
}

async fn what_keeps_a_schedule_from_running_is_shown(database: Database) {
    let mut work = Work::new(&database).await;
    work.start(|builder| builder.queues(["default"])).await;
    let row = work.row("elsewhere").await;
    let problem = "no worker that lives serves its queue `elsewhere`: its jobs wait";
    assert_eq!((row.state, row.problem.as_deref()), (ScheduleState::Unserved, Some(problem)));
    work.add(NewSchedule::new("broken", parse("0 * * * *"), tick {})).await;
    work.add(NewSchedule::new("good", parse("0 * * * *"), tick {})).await;
    database.execute("UPDATE {}schedules SET expression = 'never', generation = 7 WHERE name = 'broken'").await;
    let row = work.row("broken").await;
    assert_eq!(row.state, ScheduleState::Broken);
    assert!(row.problem.is_some_and(|problem| problem.contains("never")));
    work.pass(HOUR).await;
    assert!(work.row("good").await.last_slot.is_some(), "one that is broken holds no other up");
    assert_eq!(work.row("broken").await.last_slot, None);
    let refused = work.queue.schedules().run_now("broken").await.unwrap_err();
    assert!(refused.to_string().starts_with("schedule `broken` cannot be run: "), "{refused}");
    work.stop().await;
    let row = work.row("eu").await;
    let problem = "no worker that lives has it in its code: nothing is run";
    assert_eq!((row.state, row.problem.as_deref()), (ScheduleState::Stopped, Some(problem)));
    let row = work.row("good").await;
    assert_eq!(row.problem.as_deref(), Some("no worker that lives has job `tick`: nothing is run"));
    work.queue.schedules().remove("eu").await.expect("what nobody has can go");
}

async fn of_two_definitions_that_of_the_worker_that_started_last_counts(database: Database) {
    let mut work = Work::started(&database).await;
    let zone = |wanted: &'static str| {
        let work = &work;
        async move { until_true("the definition changes", || async { work.row("eu").await.timezone == wanted }).await }
    };
    zone("UTC").await;
    let (stop, newer) = work.spawn(|builder| builder.time_zone(Tz::Europe__Berlin));
    zone("Europe/Berlin").await;
    // The older one leaves it alone.
    let generation = database.number("SELECT generation FROM {}schedules WHERE name = 'eu'").await;
    work.pass(HOUR).await;
    assert_eq!(database.number("SELECT generation FROM {}schedules WHERE name = 'eu'").await, generation);
    stop.send(()).unwrap();
    newer.await.unwrap();
    zone("UTC").await;
    assert_eq!(database.number("SELECT generation FROM {}schedules WHERE name = 'eu'").await, generation + 1);
    work.stop().await;
}

async fn a_drain_begins_with_what_schedules_made_due(database: Database) {
    let mut work = Work::started(&database).await;
    work.stop().await;
    work.queue.move_clock(HOUR).await.unwrap();
    let (_stop, drained) = work.spawn(WorkerBuilder::drain);
    drained.await.unwrap();
    let told = [work.told().await.0, work.told().await.0];
    assert!(told.contains(&"eu".to_owned()) && told.contains(&"us".to_owned()), "{told:?}");
}

on_every_store!(
    every_minute_of_a_day_runs_once,
    each_schedule_of_a_function_has_its_own_row_and_arguments,
    after_a_downtime_the_policy_decides,
    a_slot_whose_run_before_goes_on_is_skipped_or_waits_or_runs_beside_it,
    a_schedule_is_paused_resumed_and_run_by_hand,
    schedules_are_added_changed_and_removed_at_run_time,
    what_keeps_a_schedule_from_running_is_shown,
    of_two_definitions_that_of_the_worker_that_started_last_counts,
    a_drain_begins_with_what_schedules_made_due,
);
