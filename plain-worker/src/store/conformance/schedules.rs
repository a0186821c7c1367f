//! What every store promises about the ledger of schedules.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Fixture, changed, new};
use crate::ledger::{Definition, Fired, Passed, ScheduleRow, Step, Wish, source};
use crate::record::{JobId, NewRequest};
use crate::status::{CatchUp, Overlap, ScheduleState, UniqueUntil};

const MINUTE: Duration = Duration::from_secs(60);

fn definition(name: &str) -> Definition {
    Definition {
        name: name.to_owned(),
        job: "sample".to_owned(),
        queue: Some("default".to_owned()),
        expression: "* * * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        arguments: r#"{"n":1}"#.to_owned(),
        catch_up: CatchUp::Latest,
        overlap: Overlap::Skip,
        window: Some(MINUTE),
        dynamic: false,
    }
}

impl Fixture {
    async fn register(&self, definition: Definition) -> ScheduleRow {
        let name = definition.name.clone();
        let fingerprint = definition.fingerprint("");
        self.register_schedule(definition, fingerprint).await.expect("register");
        self.row(&name).await
    }

    async fn row(&self, name: &str) -> ScheduleRow {
        let rows = self.schedules().await.expect("schedules");
        rows.into_iter().find(|row| row.name == name).expect("its row")
    }

    async fn step(&self, step: Step) -> Option<Fired> {
        self.settle([step].into()).await.expect("settle").remove(0)
    }

    /// Lets a minute pass and wishes for the run of the slot that is now.
    async fn tick(&self, name: &str, overlap: Overlap) -> (DateTime<Utc>, Fired) {
        self.move_clock(MINUTE).await.expect("a movable clock");
        let row = self.row(name).await;
        let fired = self.step(wish(&row, overlap, slots(row.now, [row.now]))).await;
        (row.now, fired.expect("a step that holds"))
    }
}

fn of_slot(slot: DateTime<Utc>) -> NewRequest {
    changed(1, |request| {
        request.slot = Some(slot);
        request.source = Some(source("s"));
    })
}

fn slots(until: DateTime<Utc>, runs: impl IntoIterator<Item = DateTime<Utc>>) -> Wish {
    Wish::Slots { until, runs: runs.into_iter().map(of_slot).collect(), passed: None }
}

fn wish(row: &ScheduleRow, overlap: Overlap, wish: Wish) -> Step {
    Step {
        name: row.name.clone(),
        generation: row.generation,
        settled_at: row.settled_at,
        overlap,
        queue: "default".to_owned(),
        wish,
    }
}

pub(crate) async fn first_sight_of_a_schedule_runs_nothing(f: Fixture) {
    let row = f.register(definition("s")).await;
    assert_eq!(
        (row.job.as_str(), row.expression.as_str(), row.timezone.as_str()),
        ("sample", "* * * * *", "Europe/Berlin")
    );
    assert_eq!((row.arguments.as_str(), row.queue.as_deref()), (r#"{"n":1}"#, Some("default")));
    assert_eq!((row.catch_up, row.overlap, row.window), (CatchUp::Latest, Overlap::Skip, Some(MINUTE)));
    assert_eq!((row.state, row.dynamic, row.busy, row.skipped), (ScheduleState::Active, false, false, 0));
    assert_eq!((row.last_slot, row.last_job, row.run_now), (None, None, None));
    assert_eq!(row.settled_at, row.created_at, "it begins with the moment in which it is seen");
    assert!(row.now >= row.created_at && row.now < row.created_at + TimeDelta::minutes(5));
    assert!(f.take(1).await.is_empty());
    // Eight processes that start together.
    let again: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&f.store);
            let (definition, fingerprint) = (definition("s"), definition("s").fingerprint(""));
            tokio::spawn(async move { store.register_schedule(definition, fingerprint).await })
        })
        .collect();
    for one in again {
        one.await.unwrap().unwrap();
    }
    let same = f.row("s").await;
    assert_eq!((same.generation, same.settled_at, same.changed_at), (row.generation, row.settled_at, row.changed_at));
}

pub(crate) async fn new_times_of_a_schedule_begin_now(f: Fixture) {
    let first = f.register(definition("s")).await;
    f.pause_schedule("s".to_owned(), None).await.unwrap();
    f.move_clock(MINUTE * 10).await.unwrap();
    let other = f.register(Definition { overlap: Overlap::Allow, ..definition("s") }).await;
    assert_eq!(other.generation, first.generation + 1);
    assert_eq!(other.settled_at, first.settled_at, "its times are the same");
    assert_eq!(other.overlap, Overlap::Allow);
    let hourly = f.register(Definition { expression: "0 * * * *".to_owned(), ..definition("s") }).await;
    assert_eq!(hourly.generation, first.generation + 2);
    assert!(hourly.settled_at >= first.settled_at + TimeDelta::minutes(10));
    assert!(hourly.paused_at.is_some(), "a pause outlives the change");
}

pub(crate) async fn a_slot_is_settled_once(f: Fixture) {
    f.register(definition("s")).await;
    for minute in 1..=5 {
        f.move_clock(MINUTE).await.unwrap();
        let row = f.row("s").await;
        let all: Vec<_> = (0..8)
            .map(|_| {
                let store = Arc::clone(&f.store);
                let step = wish(&row, Overlap::Allow, slots(row.now, [row.now]));
                tokio::spawn(async move { store.settle([step].into()).await.unwrap().remove(0) })
            })
            .collect();
        let mut fired = 0;
        for one in all {
            fired += one.await.unwrap().map_or(0, |fired| fired.jobs.len());
        }
        assert_eq!(fired, 1, "of eight that tried");
        let after = f.row("s").await;
        assert_eq!((after.settled_at, after.last_slot), (row.now, Some(row.now)));
        assert_eq!(f.list(crate::JobFilter::new(), None, 100).await.unwrap().len(), minute);
    }
    let runs = f.take(10).await;
    assert_eq!(runs.len(), 5);
    assert!(runs.windows(2).all(|two| two[0].slot < two[1].slot));
    assert_eq!(runs[4].slot, f.row("s").await.last_slot);
}

pub(crate) async fn a_slot_is_settled_no_sooner_than_the_databases_clock_says(f: Fixture) {
    let row = f.register(definition("s")).await;
    let soon = row.now + TimeDelta::minutes(1);
    assert_eq!(f.step(wish(&row, Overlap::Skip, slots(soon, [soon]))).await, None);
    let back = row.settled_at - TimeDelta::minutes(1);
    assert_eq!(f.step(wish(&row, Overlap::Skip, slots(back, [back]))).await, None, "nor again");
    f.move_clock(MINUTE * 2).await.unwrap();
    assert!(f.step(wish(&row, Overlap::Skip, slots(soon, [soon]))).await.is_some());
}

pub(crate) async fn a_step_by_another_definition_is_void(f: Fixture) {
    let row = f.register(definition("s")).await;
    f.move_clock(MINUTE).await.unwrap();
    let row = ScheduleRow { now: row.now + TimeDelta::minutes(1), ..row };
    let step = wish(&row, Overlap::Skip, slots(row.now, [row.now]));
    f.register(Definition { overlap: Overlap::Queue, ..definition("s") }).await;
    assert_eq!(f.step(step.clone()).await, None, "by an older one");
    assert!(f.remove_schedule("s".to_owned()).await.unwrap());
    assert_eq!(f.step(step).await, None, "and of one that is gone");
    assert!(f.take(1).await.is_empty());
}

pub(crate) async fn a_slot_and_its_request_go_in_together(f: Fixture) {
    f.register(definition("a")).await;
    f.register(definition("b")).await;
    f.move_clock(MINUTE).await.unwrap();
    let (a, b) = (f.row("a").await, f.row("b").await);
    let refused = changed(1, |request| {
        request.job = "".into();
        request.slot = Some(b.now);
    });
    let bad = wish(&b, Overlap::Skip, Wish::Slots { until: b.now, runs: vec![refused], passed: None });
    let good = wish(&a, Overlap::Skip, slots(a.now, [a.now]));
    f.settle([good.clone(), bad].into()).await.unwrap_err();
    for (before, name) in [(&a, "a"), (&b, "b")] {
        assert_eq!(f.row(name).await.settled_at, before.settled_at);
    }
    assert!(f.take(1).await.is_empty());
    assert!(f.step(good).await.is_some());
    assert_eq!(f.take(10).await.len(), 1);
}

pub(crate) async fn a_slot_is_skipped_while_the_run_before_it_goes_on(f: Fixture) {
    f.register(definition("s")).await;
    let (first, fired) = f.tick("s", Overlap::Skip).await;
    let job = fired.jobs[0].0;
    let mut run = None;
    // Waiting, then running.
    for taken in [false, true] {
        let (slot, fired) = f.tick("s", Overlap::Skip).await;
        assert!(fired.jobs.is_empty());
        let reason = format!("the run before it (job {job}) had not ended");
        assert_eq!(fired.passed, Some(Passed { count: 1, latest: slot, reason: reason.clone() }));
        let row = f.row("s").await;
        assert_eq!((row.settled_at, row.last_slot, row.last_skip), (slot, Some(first), Some(slot)));
        assert_eq!((row.skipped, row.skip_reason, row.busy), (1 + u64::from(taken), Some(reason), true));
        if !taken {
            run = Some(f.take_one().await);
        }
    }
    assert!(f.end(super::cases::succeeded(&run.unwrap())).await);
    let (slot, fired) = f.tick("s", Overlap::Skip).await;
    assert_eq!(fired.jobs.len(), 1);
    assert_eq!(f.row("s").await.last_slot, Some(slot));
}

pub(crate) async fn slots_wait_for_the_run_before_them(f: Fixture) {
    f.register(definition("s")).await;
    f.move_clock(MINUTE * 3).await.unwrap();
    let row = f.row("s").await;
    let all: Vec<_> = (1..=3).map(|minute| row.settled_at + TimeDelta::minutes(minute)).collect();
    // Several at once were missed: they wait also under `skip`.
    let fired = f.step(wish(&row, Overlap::Skip, slots(all[2], all.clone()))).await.unwrap();
    assert_eq!(fired.jobs.iter().map(|(_, slot)| *slot).collect::<Vec<_>>(), [Some(all[0])]);
    assert_eq!(f.row("s").await.waiting, all[1..]);
    let (fourth, fired) = f.tick("s", Overlap::Queue).await;
    assert!(fired.jobs.is_empty() && fired.passed.is_none());
    let expected = [all[0], all[1], all[2], fourth];
    for (at, slot) in expected.into_iter().enumerate() {
        let row = f.row("s").await;
        assert!(row.busy);
        assert_eq!(row.waiting, expected[at + 1..]);
        if let Some(next) = row.waiting.first() {
            let void = f.step(wish(&row, Overlap::Queue, Wish::Waiting(of_slot(*next)))).await;
            assert_eq!(void, None, "the run before it goes on");
        }
        let run = f.take_one().await;
        assert_eq!(run.slot, Some(slot));
        assert!(f.end(super::cases::succeeded(&run)).await);
        if let Some(next) = row.waiting.first() {
            let step = wish(&row, Overlap::Queue, Wish::Waiting(of_slot(*next)));
            assert_eq!(f.step(step.clone()).await.unwrap().jobs.len(), 1);
            assert_eq!(f.step(step).await, None, "it does not wait any more");
        }
    }
    assert!(f.row("s").await.waiting.is_empty());
}

pub(crate) async fn slots_may_run_beside_each_other(f: Fixture) {
    f.register(definition("s")).await;
    f.tick("s", Overlap::Allow).await;
    let (_, fired) = f.tick("s", Overlap::Allow).await;
    assert_eq!(fired.jobs.len(), 1);
    f.move_clock(MINUTE * 2).await.unwrap();
    let row = f.row("s").await;
    let missed = [row.settled_at + TimeDelta::minutes(1), row.settled_at + TimeDelta::minutes(2)];
    let fired = f.step(wish(&row, Overlap::Allow, slots(missed[1], missed))).await.unwrap();
    assert_eq!(fired.jobs.len(), 2);
    assert_eq!(f.row("s").await.last_job, Some(fired.jobs[1].0));
    assert_eq!(f.take(10).await.len(), 4);
}

pub(crate) async fn a_slot_whose_unique_key_is_held_is_passed_over(f: Fixture) {
    let keyed = |slot| {
        let mut request = of_slot(slot);
        request.unique = Some(("k".to_owned(), UniqueUntil::End));
        request
    };
    let holder = f.put(vec![keyed(Utc::now())]).await[0].id();
    f.register(definition("s")).await;
    f.move_clock(MINUTE).await.unwrap();
    let row = f.row("s").await;
    let runs = Wish::Slots { until: row.now, runs: vec![keyed(row.now)], passed: None };
    let fired = f.step(wish(&row, Overlap::Skip, runs)).await.unwrap();
    assert!(fired.jobs.is_empty());
    let after = f.row("s").await;
    assert_eq!((after.settled_at, after.last_job, after.skipped), (row.now, None, 1));
    assert_eq!(after.skip_reason, Some(format!("its unique key was held by job {holder}, which was ready")));
}

pub(crate) async fn a_paused_schedule_settles_nothing(f: Fixture) {
    let name = || "s".to_owned();
    f.register(definition("s")).await;
    assert!(f.pause_schedule(name(), Some("ann".to_owned())).await.unwrap());
    assert!(f.pause_schedule(name(), Some("bob".to_owned())).await.unwrap());
    f.move_clock(MINUTE * 5).await.unwrap();
    let row = f.row("s").await;
    assert_eq!((row.state, row.paused_by.as_deref()), (ScheduleState::Paused, Some("ann")));
    let step = wish(&row, Overlap::Skip, slots(row.now, [row.now]));
    assert_eq!(f.step(step.clone()).await, None);
    assert!(f.resume_schedule(name()).await.unwrap());
    let resumed = f.row("s").await;
    assert_eq!((resumed.state, resumed.paused_by.as_deref()), (ScheduleState::Active, None));
    assert!(resumed.settled_at >= row.now, "what passed in the pause is settled");
    assert_eq!(f.step(step).await, None);
    assert!(f.resume_schedule(name()).await.unwrap());
    assert_eq!(f.row("s").await.settled_at, resumed.settled_at, "resuming what runs changes nothing");
    for missing in [f.pause_schedule("x".into(), None).await, f.resume_schedule("x".into()).await] {
        assert!(!missing.unwrap());
    }
}

pub(crate) async fn a_run_by_hand_is_made_once(f: Fixture) {
    f.register(definition("s")).await;
    f.pause_schedule("s".to_owned(), None).await.unwrap();
    let (id, other) = (JobId::generate(), JobId::generate());
    assert_eq!(f.run_schedule("s".to_owned(), id).await.unwrap(), Some(id));
    assert_eq!(f.run_schedule("s".to_owned(), other).await.unwrap(), Some(id), "it is asked for already");
    assert_eq!(f.run_schedule("x".to_owned(), id).await.unwrap(), None);
    let row = f.row("s").await;
    assert_eq!(row.run_now, Some(id));
    let by_hand = |id| wish(&row, Overlap::Skip, Wish::ByHand(changed(1, |request| request.id = id)));
    assert_eq!(f.step(by_hand(other)).await, None);
    assert_eq!(f.step(by_hand(id)).await.unwrap().jobs, [(id, None)]);
    assert_eq!(f.step(by_hand(id)).await, None);
    let row = f.row("s").await;
    assert_eq!((row.run_now, row.last_job, row.last_slot), (None, Some(id), None));
    assert_eq!(row.settled_at, row.created_at, "no slot was settled");
    assert_eq!(f.run_schedule("s".to_owned(), other).await.unwrap(), Some(other));
    assert_eq!(f.step(by_hand(other)).await, None, "the one before it goes on");
    assert_eq!(f.take_one().await.id, id);
}

pub(crate) async fn a_schedule_can_be_added_changed_and_removed(f: Fixture) {
    let dynamic = |name| Definition { dynamic: true, queue: None, window: None, ..definition(name) };
    assert!(f.add_schedule(dynamic("d")).await.unwrap());
    assert!(!f.add_schedule(dynamic("d")).await.unwrap());
    let row = f.row("d").await;
    assert_eq!((row.dynamic, row.queue.as_ref(), row.window, row.generation), (true, None, None, 1));
    assert_eq!(row.definition(), dynamic("d"));
    // Code does not take it over.
    assert!(f.register(definition("d")).await.dynamic);
    let other = Definition { arguments: r#"{"n":2}"#.to_owned(), ..dynamic("d") };
    f.move_clock(MINUTE).await.unwrap();
    assert!(f.change_schedule(other.clone(), 1).await.unwrap());
    assert!(!f.change_schedule(dynamic("d"), 1).await.unwrap(), "somebody else was first");
    let changed = f.row("d").await;
    assert_eq!((changed.definition(), changed.generation, changed.settled_at), (other, 2, row.settled_at));
    let hourly = Definition { expression: "0 * * * *".to_owned(), ..dynamic("d") };
    assert!(f.change_schedule(hourly, 2).await.unwrap());
    assert!(f.row("d").await.settled_at >= row.settled_at + TimeDelta::minutes(1));
    f.register(definition("s")).await;
    assert!(!f.change_schedule(definition("s"), 1).await.unwrap(), "one in code is not changed");
    f.put(vec![of_slot(Utc::now()), new(5)]).await;
    let waiting = f.jobs_of_schedule("s".to_owned()).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(f.remove_schedule("d".to_owned()).await.unwrap());
    assert!(!f.remove_schedule("d".to_owned()).await.unwrap());
    assert_eq!(f.schedules().await.unwrap().len(), 1);
}

pub(crate) async fn the_latest_runs_of_schedules_are_read(f: Fixture) {
    for of in ["s", "t", "s", "s", "elsewhere"] {
        f.put(vec![changed(1, |request| request.source = Some(source(of)))]).await;
        let run = f.take_one().await;
        assert!(f.end(super::cases::succeeded(&run)).await);
        f.move_clock(MINUTE).await.unwrap();
    }
    // What waits has no end, and what no schedule enqueued is nobody's run.
    f.put(vec![of_slot(Utc::now())]).await;
    let names = ["s", "t", "nothing"].map(str::to_owned).to_vec();
    let runs = f.runs_of_schedules(names, 2).await.unwrap();
    let of: Vec<_> = runs.iter().map(|run| run.schedule.as_str()).collect();
    assert_eq!(of, ["s", "s", "t"]);
    assert!(runs[0].ended_at > runs[1].ended_at, "the newest first");
    assert!(runs.iter().all(|run| run.state == crate::JobState::Succeeded && run.started_at.is_some()));
}
