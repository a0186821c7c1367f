//! The pages of the schedules: what they tell, and what can be done there.

use std::time::Duration;

use plain_worker::dashboard::{Action, Auth, Person};
use plain_worker::schedule::Schedule;
use plain_worker::{JobState, NewSchedule, Overlap, Queue, ScheduleState, Worker};
use plain_worker_tests::{Database, on_every_store, until, until_true};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::site::Site;

on_every_store!(
    a_schedule_is_added_run_changed_and_removed,
    what_keeps_a_schedule_from_running_is_told,
    a_schedule_that_cannot_be_is_refused_with_its_form,
    who_may_not_steer_schedules_is_refused,
    a_day_shows_where_schedules_pile_up,
);

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A worker that ends with its guard.
struct Working(Option<oneshot::Sender<()>>, JoinHandle<()>);

impl Working {
    async fn on(queue: &Queue, queues: &[&str]) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        // The clock is moved: nobody is to be taken for dead.
        let worker = Worker::builder(queue.clone()).queues(queues.iter().copied()).lease(TEN_YEARS);
        let running = tokio::spawn(async move {
            worker.run_until(async { stopped.await.unwrap_or_default() }).await.expect("a worker");
        });
        until_true("a worker lives", || async { queue.workers().await.unwrap().iter().any(|worker| worker.alive) })
            .await;
        Self(Some(stop), running)
    }

    async fn end(mut self) {
        drop(self.0.take());
        (&mut self.1).await.expect("a clean end");
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.1.abort();
    }
}

async fn add(queue: &Queue, name: &str, expression: &str) {
    let new = NewSchedule::by_name(name, Schedule::parse(expression).unwrap(), "waits");
    queue.schedules().add(new.arguments(r#"{"text":"canary"}"#)).await.unwrap();
}

async fn a_schedule_is_added_run_changed_and_removed(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let worker = Working::on(&queue, &["default"]).await;
    let fields = "name=nightly/report&job=waits&expression=30+4+*+*+1-5&timezone=Europe/Berlin\
                  &arguments=%7B%22text%22:%22a%22%7D&catch_up=none&overlap=queue";
    let added = site.submit("/schedules", fields).await;
    let path = "/schedules/nightly%2Freport";
    assert_eq!((added.status, added.header("location")), (303, Some(path)));
    let row = queue.schedules().get("nightly/report").await.unwrap();
    assert_eq!((row.timezone.as_str(), row.overlap, row.dynamic), ("Europe/Berlin", Overlap::Queue, true));

    let page = site.get(path).await.body;
    for part in
        ["At 04:30, Monday to Friday", "Europe/Berlin", "Next runs", "There is no run yet.", "value=\"30 4 * * 1-5\""]
    {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    let told = site.get(&format!("{path}?format=json")).await.json();
    assert_eq!(told["schedule"]["next"].as_array().unwrap().len(), 5);
    assert_eq!(told["schedule"]["state"], "active");

    assert_eq!(site.submit(&format!("{path}/run"), "").await.header("location"), Some(path));
    let run = until("it has run", || async {
        let row = queue.schedules().get("nightly/report").await.unwrap();
        row.last_job.filter(|_| row.last_state == Some(JobState::Succeeded))
    })
    .await;
    let page = site.get(path).await.body;
    assert!(page.contains(&format!("/jobs/{run}")) && page.contains("by hand"), "{page}");
    let list = site.get("/schedules").await.body;
    assert!(list.contains("Last 1 runs: 1 succeeded") && list.contains(path), "{list}");

    assert_eq!(site.submit(&format!("{path}/pause"), "back=list").await.header("location"), Some("/schedules"));
    assert_eq!(queue.schedules().get("nightly/report").await.unwrap().paused_by.as_deref(), Some("somebody"));
    assert!(site.get("/schedules").await.body.contains(" by somebody"));
    assert_eq!(site.submit(&format!("{path}/resume"), "").await.status, 303);
    let changed = site.submit(&format!("{path}/change"), "expression=@hourly&timezone=Asia/Tokyo&arguments=").await;
    assert_eq!(changed.status, 303);
    let row = queue.schedules().get("nightly/report").await.unwrap();
    assert_eq!((row.expression.as_str(), row.timezone.as_str()), ("0 * * * *", "Asia/Tokyo"));
    assert_eq!((row.arguments.as_str(), row.overlap), (r#"{"text":"a"}"#, Overlap::Queue), "the others stay");
    assert!(site.get("/").await.body.contains("nightly/report"), "it is due next");

    assert_eq!(site.submit(&format!("{path}/remove"), "").await.header("location"), Some("/schedules"));
    assert_eq!(site.get(path).await.status, 404);
    let noted = queue.audit(None, 99).await.unwrap();
    for action in ["add", "run now", "pause", "resume", "change", "remove"] {
        let of = |row: &&plain_worker::AuditRow| row.target.as_deref() == Some("schedule:nightly/report");
        assert!(
            noted.iter().filter(of).any(|row| row.action == action && row.actor == "somebody"),
            "{action}: {noted:?}"
        );
    }
    assert!(site.get("/audit").await.body.contains(path));
    worker.end().await;
}

async fn what_keeps_a_schedule_from_running_is_told(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    add(&queue, "lonely", "0 * * * *").await;
    let page = site.get("/schedules/lonely").await.body;
    assert!(page.contains("no worker that lives has job `waits`"), "{page}");
    assert!(site.get("/").await.body.contains("Schedule lonely: no worker that lives"));

    // It knows the job, but serves another queue.
    let worker = Working::on(&queue, &["elsewhere"]).await;
    assert_eq!(queue.schedules().get("lonely").await.unwrap().state, ScheduleState::Unserved);
    assert!(site.get("/schedules").await.body.contains("no worker for its queue"));
    worker.end().await;

    // One that lives, and settles nothing.
    let worker = Working::on(&queue, &["default"]).await;
    let columns = "host, pid, version, build, queues, knows, concurrency, started_at, heartbeat_at, lease_ms";
    database
        .execute(&format!(
            "INSERT INTO {{}}workers (id, {columns}, hold) \
             SELECT '0198c6d4-0000-7000-8000-000000000000', {columns}, 'none' FROM {{}}workers"
        ))
        .await;
    worker.end().await;
    queue.move_clock(Duration::from_secs(2 * 3_600)).await.unwrap();
    assert_eq!(queue.schedules().get("lonely").await.unwrap().state, ScheduleState::Active);
    assert!(site.get("/schedules/lonely").await.body.contains("has not become a run"));
    assert!(site.get("/schedules").await.body.contains("⚑ overdue: "));
    assert!(site.get("/").await.body.contains("Schedule lonely is overdue by 1 h"));
}

async fn a_schedule_that_cannot_be_is_refused_with_its_form(database: Database) {
    let queue = database.queue().await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    for (fields, complaint) in [
        ("name=a&job=waits&expression=61+*+*+*+*&timezone=UTC&arguments=%7B%22text%22:%22kept%22%7D", "61"),
        (
            "name=a&job=waits&expression=*+*+*+*+*&timezone=Berlin&arguments=%7B%22text%22:%22kept%22%7D",
            "Europe/Berlin",
        ),
        (
            "name=a&job=wait&expression=*+*+*+*+*&timezone=UTC&arguments=%7B%22text%22:%22kept%22%7D",
            "did you mean `waits`?",
        ),
        (
            "name=a&job=waits&expression=*+*+*+*+*&timezone=UTC&arguments=%7B%22text%22:%22kept%22,%22n%22:1%7D",
            "cannot read the arguments",
        ),
        (
            "name=a&job=waits&expression=*+*+*+*+*&timezone=UTC&overlap=kept&arguments=%7B%22text%22:%22kept%22%7D",
            "`kept` is not one of",
        ),
        (
            "name=&job=waits&expression=*+*+*+*+*&timezone=UTC&arguments=%7B%22text%22:%22kept%22%7D",
            "its name must have",
        ),
    ] {
        let refused = site.submit("/schedules", fields).await;
        assert_eq!(refused.status, 400, "{fields}: {}", refused.body);
        assert!(refused.body.contains(complaint) && refused.body.contains("kept"), "{complaint}: {}", refused.body);
    }
    assert!(queue.schedules().list().await.unwrap().is_empty());
    add(&queue, "there", "0 * * * *").await;
    let twice = "name=there&job=waits&expression=*+*+*+*+*&timezone=UTC&arguments=%7B%22text%22:%22a%22%7D";
    assert!(site.submit("/schedules", twice).await.body.contains("exists already"));
    let wrong = site.submit("/schedules/there/change", "expression=x&timezone=UTC").await;
    assert!(wrong.status == 400 && wrong.body.contains("value=\"x\""), "{}", wrong.body);
    for path in ["/schedules/other/pause", "/schedules/other/change", "/schedules/there/eat"] {
        assert_eq!(site.submit(path, "expression=@daily&timezone=UTC").await.status, 404, "{path}");
    }
    assert_eq!(site.submit("/schedules/there/run", "").await.status, 400, "nobody would run it");
}

async fn who_may_not_steer_schedules_is_refused(database: Database) {
    let queue = database.queue().await;
    add(&queue, "theirs", "0 * * * *").await;
    let site = Site::of(&queue, Auth::by(|_| Some(Person::viewer("eve").deny(Action::ViewArguments)))).await;
    for path in ["/schedules", "/schedules/theirs"] {
        let page = site.get(path).await;
        assert_eq!(page.status, 200);
        for part in ["method=\"post\"", "canary", "Add a schedule", "Change it"] {
            assert!(!page.body.contains(part), "{path} draws {part}");
        }
    }
    assert!(!site.get("/schedules?format=json").await.body.contains("canary"));
    for path in ["", "/theirs/pause", "/theirs/resume", "/theirs/run", "/theirs/change", "/theirs/remove"] {
        let fields = "name=a&job=waits&expression=*+*+*+*+*&timezone=UTC";
        assert_eq!(site.submit(&format!("/schedules{path}"), fields).await.status, 403, "{path}");
    }
    assert_eq!(queue.schedules().list().await.unwrap().len(), 1);
    let pauser = Site::of(&queue, Auth::by(|_| Some(Person::viewer("pat").allow(Action::Pause)))).await;
    let page = pauser.get("/schedules/theirs").await.body;
    assert!(page.contains(">Pause<") && !page.contains(">Run now<") && !page.contains("Delete"), "{page}");
    assert_eq!(pauser.submit("/schedules/theirs/pause", "").await.status, 303);
    assert_eq!(pauser.submit("/schedules/theirs/remove", "").await.status, 403);
}

async fn a_day_shows_where_schedules_pile_up(database: Database) {
    let queue = database.queue().await;
    for (name, expression) in
        [("a", "0 3 * * *"), ("b", "0 3 * * *"), ("c", "0,30 3 * * *"), ("often", "* * * * *"), ("never", "0 0 1 1 *")]
    {
        add(&queue, name, expression).await;
    }
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let page = site.get("/schedules?day=2026-11-30").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Monday 30 November 2026") && page.body.contains("often: 1440 runs"), "{}", page.body);
    assert!(!page.body.contains("/schedules/never"), "it does not run on this day");
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
    let told = site.get("/schedules?day=2026-11-30&format=json").await.json();
    let lanes: Vec<_> =
        told["lanes"].as_array().unwrap().iter().map(|lane| lane["slots"].as_array().unwrap().len()).collect();
    assert_eq!(lanes, [1, 1, 2, 1_440]);
    assert_eq!(told["lanes"][0]["slots"][0], "2026-11-30T03:00:00Z");
    // The clocks go back on this day: it has 25 hours, and begins at 22:00 UTC.
    let long = site.get("/schedules?day=2026-10-25&zone=Europe/Berlin&format=json").await.json();
    assert_eq!((&long["start"], &long["end"]), (&"2026-10-24T22:00:00Z".into(), &"2026-10-25T23:00:00Z".into()));
    assert_eq!(long["lanes"][3]["slots"].as_array().unwrap().len(), 1_500);
    for wrong in ["day=x", "day=2026-13-01", "day=", "day=99999-01-01", "day=2026-11-30&zone=Berlin"] {
        assert_eq!(site.get(&format!("/schedules?{wrong}")).await.status, 400, "{wrong}");
    }
}
