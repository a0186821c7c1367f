//! The page of a function: its errors counted together, its times, and the form that enqueues it; and what a run tells.

use std::time::Duration;

use plain_worker::dashboard::{Action, Auth, Dashboard, Person};
use plain_worker::{BoxError, Context, JobFilter, JobState, Queue, Worker, job};
use plain_worker_tests::{Database, on_every_store, until};

use crate::drain;
use crate::site::Site;

on_every_store!(
    errors_that_say_the_same_are_one_group,
    a_function_is_described,
    a_form_enqueues_where_it_is_opened,
    progress_and_logs_are_shown,
    charts_are_of_what_was_chosen,
);

/// Greets one of them.
///
/// With care: `<script>` & co.
#[job(queue = "mail", retries = 0, timeout = "90s", unique(user_id))]
async fn greets(
    user_id: i64,
    name: String,
    urgent: bool,
    #[redact] token: Option<String>,
    #[serde(default)] tags: Vec<String>,
) -> Result<(), BoxError> {
    let _ = (name, urgent, token, tags);
    if user_id % 2 == 1 { Err(format!("user {user_id}: mailbox {} is full", user_id * 100).into()) } else { Ok(()) }
}

#[job]
async fn reports(#[inject] ctx: Context) {
    ctx.progress(0.4, "page 40 of 100");
    ctx.log("a line <b>of</b> its own");
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(300)) => {}
        () = ctx.cancelled() => {}
    }
}

fn greeting(user_id: i64) -> greets {
    greets { user_id, name: "n".to_owned(), urgent: false, token: Some("canary-token".to_owned()), tags: Vec::new() }
}

async fn open(queue: &Queue) -> Site {
    Site::with(Dashboard::new(queue.clone(), Auth::dangerously_public()).enqueue()).await
}

async fn errors_that_say_the_same_are_one_group(database: Database) {
    let queue = database.queue().await;
    greets::enqueue_all((0..12).map(greeting)).on(&queue).await.unwrap();
    drain(&queue).await;
    let site = open(&queue).await;
    let told = site.get("/functions/greets?format=json").await.json();
    let groups = told["errors"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{told}");
    assert_eq!((&groups[0]["message"], &groups[0]["last_hour"]), (&"user #: mailbox # is full".into(), &6.into()));
    let page = site.get("/functions/greets").await.body;
    assert!(page.contains("user #: mailbox # is full") && page.contains("Retry all…"), "{page}");
    let literal = groups[0]["literal"].as_str().unwrap();
    assert_eq!(literal, ": mailbox");
    let preview = site.submit("/preview", "action=retry&all=yes&q=state:dead+job:greets+error:%22:+mailbox%22").await;
    assert!(preview.body.contains("Retry 6 jobs?"), "{}", preview.body);
    let eve = Site::of(&queue, Auth::by(|_| Some(Person::viewer("eve").deny(Action::ViewArguments)))).await;
    assert!(!eve.get("/functions/greets").await.body.contains("mailbox"));
    assert!(!eve.get("/functions/greets?format=json").await.body.contains("mailbox"));
    assert_eq!(site.get("/functions/nobody").await.status, 404);
}

async fn a_function_is_described(database: Database) {
    let queue = database.queue().await;
    let page = open(&queue).await.get("/functions/greets").await.body;
    for part in [
        "Greets one of them.",
        "&lt;script&gt;",
        "user_id: i64",
        "1m 30s",
        "by user_id, until its end",
        "functions.rs:",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

async fn a_form_enqueues_where_it_is_opened(database: Database) {
    let queue = database.queue().await;
    let site = open(&queue).await;
    let page = site.get("/functions/greets").await.body;
    assert!(page.contains("Enqueue one") && page.contains("name=\"arg.user_id\""), "{page}");
    assert!(page.contains("type=\"password\" name=\"arg.token\""), "what is hidden is not shown as it is typed");
    let fields = "arg.user_id=42&arg.name=%22quoted%22+é&arg.urgent=true&arg.token=&arg.tags=%5B%22a%22%5D";
    let sent = site.submit("/functions/greets", fields).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let job = queue.list(JobFilter::new(), None, 9).await.unwrap().remove(0);
    assert_eq!(sent.header("location"), Some(format!("/jobs/{}", job.id).as_str()));
    let arguments: serde_json::Value = serde_json::from_str(&job.arguments).unwrap();
    let expected = serde_json::json!({ "user_id": 42, "name": "\"quoted\" é", "urgent": true, "tags": ["a"] });
    assert_eq!((arguments, job.queue.as_str(), job.state), (expected, "mail", JobState::Ready));
    assert_eq!(job.source.as_deref(), Some("dashboard, somebody"));
    let noted = queue.audit(None, 9).await.unwrap();
    assert!(noted.iter().any(|row| row.action == "enqueue" && row.actor == "somebody"), "{noted:?}");
    for (wrong, complaint) in [
        ("arg.user_id=many&arg.name=kept&arg.urgent=true", "`user_id` is of type i64"),
        ("arg.user_id=%22x%22&arg.name=kept&arg.urgent=true", "wrong type at `user_id`"),
        ("arg.name=kept&arg.urgent=true", "user_id"),
    ] {
        let refused = site.submit("/functions/greets", wrong).await;
        assert_eq!(refused.status, 400, "{wrong}");
        assert!(
            refused.body.contains(complaint) && refused.body.contains("value=\"kept\""),
            "{complaint}: {}",
            refused.body
        );
    }
    assert_eq!(site.submit("/functions/nobody", "").await.status, 400);

    let closed = Site::of(&queue, Auth::dangerously_public()).await;
    assert!(!closed.get("/functions/greets").await.body.contains("Enqueue one"));
    assert_eq!(closed.submit("/functions/greets", fields).await.status, 403);
    let viewer = Dashboard::new(queue.clone(), Auth::by(|_| Some(Person::viewer("eve")))).enqueue();
    let viewer = Site::with(viewer).await;
    assert!(!viewer.get("/functions/greets").await.body.contains("Enqueue one"));
    assert_eq!(viewer.submit("/functions/greets", fields).await.status, 403);
    assert_eq!(queue.list(JobFilter::new(), None, 9).await.unwrap().len(), 1);
}

async fn progress_and_logs_are_shown(database: Database) {
    let queue = database.queue().await;
    let site = open(&queue).await;
    let id = reports::enqueue().on(&queue).await.unwrap().id();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::builder(queue.clone()).grace(Duration::ZERO);
    let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or(()) }));
    let page = until("it tells how far it is", || async {
        let page = site.get(&format!("/jobs/{id}")).await.body;
        (page.contains("page 40 of 100") && page.contains("Log of attempt 1")).then_some(page)
    })
    .await;
    assert!(page.contains("40 %") && page.contains("a line &lt;b&gt;of&lt;/b&gt; its own"), "{page}");
    let eve = Site::of(&queue, Auth::by(|_| Some(Person::viewer("eve").deny(Action::ViewArguments)))).await;
    assert!(!eve.get(&format!("/jobs/{id}")).await.body.contains("a line"));
    drop(stop);
    worker.await.unwrap().unwrap();
}

async fn charts_are_of_what_was_chosen(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    greets::enqueue_all((0..4).map(greeting)).on(&queue).await.unwrap();
    drain(&queue).await;
    queue.move_clock(Duration::from_secs(30)).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::builder(queue.clone()).queues(["nothing"]);
    let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or(()) }));
    let site = open(&queue).await;
    let count = |path: &'static str| {
        let answer = site.get(path);
        async move {
            let rates = answer.await.json()["rates"].clone();
            let ends = rates.as_array().unwrap().iter().filter(|rate| rate["kind"] != "wait");
            ends.map(|rate| rate["count"].as_u64().unwrap()).sum::<u64>()
        }
    };
    until("the ends are summed up", || async { (count("/?format=json").await == 4).then_some(()) }).await;
    assert_eq!(count("/?format=json&job=greets&queue=mail").await, 4);
    assert_eq!(count("/?format=json&job=other").await, 0);
    let page = site.get("/?job=greets").await.body;
    assert!(page.contains("<option value=\"greets\" selected>") && page.contains("p99"), "{page}");
    assert!(page.len() < 60_000, "{} bytes", page.len());
    drop(stop);
    worker.await.unwrap().unwrap();
}
