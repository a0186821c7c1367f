//! The list of jobs beside its filter: columns, orders, exports, the picture of runs, and changes of what waits.

use std::time::Duration;

use plain_worker::dashboard::{Action, Auth, Person};
use plain_worker::{JobFilter, JobState, Queue, job};
use plain_worker_tests::{Database, on_every_store, until_true};

use crate::site::Site;
use crate::{HOSTILE, drain};

on_every_store!(
    chosen_arguments_are_columns,
    pages_have_an_order_and_a_sort,
    all_that_match_are_exported,
    runs_are_drawn_over_time,
    waiting_jobs_are_changed_one_and_many,
    a_job_runs_again_with_other_arguments,
);

#[job(unique(n))]
async fn counts(n: i64, #[serde(default)] text: String) -> Result<i64, String> {
    if text == "fail" { Err(format!("{n} failed")) } else { Ok(n) }
}

async fn some(queue: &Queue, numbers: std::ops::Range<i64>) {
    counts::enqueue_all(numbers.map(|n| counts { n, text: HOSTILE.to_owned() })).on(queue).await.unwrap();
}

async fn chosen_arguments_are_columns(database: Database) {
    let queue = database.queue().await;
    some(&queue, 1_970_670_598_291_982_290..1_970_670_598_291_982_292).await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let page = site.get("/jobs?q=&cols=args.n,args.text,meta.tenant").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(">args.n<") && page.body.contains(">1970670598291982291<"), "{}", page.body);
    assert!(page.body.contains("&lt;script&gt;alert") && !page.body.contains("<script>alert"));
    for wrong in ["n", "args.n,job", "args.a,args.a,args.a,args.a,args.a,args.a,args.a,args.a,args.a"] {
        assert_eq!(site.get(&format!("/jobs?cols={wrong}")).await.status, 400, "{wrong}");
    }
    let eve = Site::of(&queue, Auth::by(|_| Some(Person::viewer("eve").deny(Action::ViewArguments)))).await;
    let page = eve.get("/jobs?cols=args.n").await.body;
    assert!(!page.contains("1970670598291982291") && !page.contains("name=\"cols\" type=\"text\""), "{page}");
}

async fn pages_have_an_order_and_a_sort(database: Database) {
    let queue = database.queue().await;
    some(&queue, 0..9).await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let ids = |json: &serde_json::Value| -> Vec<String> {
        json["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    let newest = ids(&site.get("/jobs?format=json").await.json());
    let first = site.get("/jobs?format=json&order=oldest&limit=5").await.json();
    let next = first["next"].as_str().unwrap();
    let second = site.get(&format!("/jobs?format=json&order=oldest&limit=5&after={next}")).await.json();
    let oldest: Vec<_> = ids(&first).into_iter().chain(ids(&second)).collect();
    assert_eq!(oldest, newest.iter().rev().cloned().collect::<Vec<_>>());
    let page = site.get("/jobs?sort=-attempt").await.body;
    assert!(page.contains("aria-sort=\"descending\"") && page.contains("/jobs?q=&amp;sort=ran"), "{page}");
}

async fn all_that_match_are_exported(database: Database) {
    let queue = database.queue().await;
    some(&queue, 0..1_203).await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let lines = site.get("/jobs?q=job:counts&format=jsonl").await;
    assert_eq!(lines.header("content-type"), Some("application/jsonl"));
    assert_eq!(lines.header("content-disposition"), Some("attachment; filename=\"jobs.jsonl\""));
    let rows: Vec<serde_json::Value> = lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 1_203);
    assert!(rows.iter().all(|row| row["job"] == "counts"));
    let csv = site.get("/jobs?q=job:counts&format=csv&cols=args.n&order=oldest").await.body;
    let mut table = csv.split("\r\n");
    assert!(table.next().unwrap().ends_with(",error,arguments,args.n"), "{csv}");
    assert!(table.next().unwrap().ends_with(",0"));
    assert_eq!(table.filter(|line| !line.is_empty()).count(), 1_202);
    assert_eq!(site.get("/jobs?q=stat:x&format=csv").await.status, 400);
    let eve = Site::of(&queue, Auth::by(|_| Some(Person::viewer("eve").deny(Action::ViewArguments)))).await;
    let hidden = eve.get("/jobs?format=csv&cols=args.text").await.body;
    assert!(!hidden.contains("alert") && hidden.contains("hidden"));
}

async fn runs_are_drawn_over_time(database: Database) {
    let queue = database.queue().await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    assert!(site.get("/jobs?view=points").await.body.contains("No run to draw."));
    some(&queue, 0..40).await;
    counts::enqueue(99, "fail".to_owned()).on(&queue).await.unwrap();
    drain(&queue).await;
    counts::enqueue(7, String::new()).delay(Duration::from_secs(60)).on(&queue).await.unwrap();
    let page = site.get("/jobs?view=points&q=job:counts").await;
    assert_eq!(page.status, 200);
    for part in
        ["one point is a job, 41 of them", "class=\"points succeeded\"", "class=\"points cross dead\"", "data-start=\""]
    {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(page.body.contains("points hollow scheduled"), "what is planned: {}", page.body);
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
    let link =
        page.body.split("view=points").find_map(|rest| rest.split("q=").nth(1).filter(|q| q.starts_with("%28job")));
    let link = link
        .or_else(|| page.body.split("?q=%28job").nth(1))
        .expect("a link to a part")
        .split(['"', '&'])
        .next()
        .unwrap();
    let link = link.trim_start_matches("%28job");
    assert_eq!(site.get(&format!("/jobs?view=points&q=%28job{link}")).await.status, 200);
}

async fn waiting_jobs_are_changed_one_and_many(database: Database) {
    let queue = database.queue().await;
    counts::enqueue_all((0..20).map(|n| counts { n, text: String::new() }))
        .delay(Duration::from_secs(3_600))
        .on(&queue)
        .await
        .unwrap();
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let id = queue.list(JobFilter::new(), None, 1).await.unwrap()[0].id;
    let path = format!("/jobs/{id}");
    let page = site.get(&path).await.body;
    assert!(page.contains("Change its priority, queue or time") && page.contains(">Run now<"), "{page}");
    let changed = site.submit(&format!("{path}/change"), "priority=-3&queue=mail&due=2h").await;
    assert_eq!((changed.status, changed.header("location")), (303, Some(path.as_str())));
    let row = queue.job(id).await.unwrap().unwrap();
    assert_eq!((row.priority, row.queue.as_str(), row.state), (-3, "mail", JobState::Scheduled));
    assert!(row.due_at - queue.now().await.unwrap() > chrono::TimeDelta::minutes(100));
    for wrong in ["priority=99999", "due=soon", "priority=x"] {
        assert_eq!(site.submit(&format!("{path}/change"), wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(site.submit(&format!("{path}/run"), "").await.status, 303);
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Ready);

    let preview = site.submit("/preview", "action=change&q=job:counts&all=yes").await.body;
    assert!(preview.contains("Change 20 jobs?") && preview.contains("name=\"due\""), "{preview}");
    let nothing = site.submit("/bulk", "action=change&q=job:counts&all=yes&count=20").await;
    assert_eq!(nothing.status, 400, "nothing is to be changed");
    let fields = "action=change&q=job:counts&all=yes&count=20&queue=express&priority=7&due=now";
    let started = site.submit("/bulk", fields).await;
    let progress = started.header("location").unwrap().to_owned();
    until_true("all are changed", || async { site.get(&progress).await.body.contains("20 changed; done.") }).await;
    let moved = JobFilter::new().matching("queue:express priority:7 state:ready").unwrap();
    assert_eq!(queue.list(moved, None, 99).await.unwrap().len(), 20);
    let noted = queue.audit(None, 99).await.unwrap();
    assert!(noted.iter().any(|row| row.action == "requeue" && row.count == 20), "{noted:?}");

    let clerk = Site::of(&queue, Auth::by(|_| Some(Person::viewer("pat").allow(Action::Retry)))).await;
    for path in [format!("{path}/change"), format!("{path}/run"), format!("{path}/rerun")] {
        assert_eq!(clerk.submit(&path, "priority=1&arguments=%7B%22n%22:1%7D").await.status, 403, "{path}");
    }
    assert_eq!(clerk.submit("/preview", "action=change&q=job:counts&all=yes").await.status, 403);
    assert!(!clerk.get(&path).await.body.contains("other arguments"));
}

async fn a_job_runs_again_with_other_arguments(database: Database) {
    let queue = database.queue().await;
    let id = counts::enqueue(5, "fail".to_owned()).on(&queue).await.unwrap().id();
    drain(&queue).await;
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Dead);
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    assert!(site.get(&format!("/jobs/{id}")).await.body.contains("Run it with other arguments"));
    for (wrong, complaint) in [
        ("%7B%22n%22:%22x%22%7D", "wrong type at `n`"),
        ("%5B5%5D", "no JSON object"),
        ("%7B%22n%22:5,%22other%22:1%7D", "other"),
        ("", "no JSON object"),
    ] {
        let refused = site.submit(&format!("/jobs/{id}/rerun"), &format!("arguments={wrong}")).await;
        assert!(refused.status == 400 && refused.body.contains(complaint), "{wrong}: {}", refused.body);
    }
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Dead, "nothing has changed");
    assert_eq!(site.submit(&format!("/jobs/{id}/rerun"), "arguments=%7B%22n%22:5%7D").await.status, 303);
    drain(&queue).await;
    let row = queue.job(id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.arguments.as_str(), row.output.as_deref()),
        (JobState::Succeeded, r#"{"n":5}"#, Some("5"))
    );
    assert_eq!(queue.attempts(id).await.unwrap().len(), 2, "one job, and both its attempts");
    let noted = queue.audit(None, 9).await.unwrap();
    assert!(noted.iter().any(|row| row.action == "retry with other arguments"), "{noted:?}");
}
