//! The pages over HTTP, on both stores: what they show, what they refuse, and that hostile data stays data.

#[path = "dashboard/site.rs"]
mod site;

#[path = "dashboard/functions.rs"]
mod functions;
#[path = "dashboard/jobs.rs"]
mod jobs;
#[path = "dashboard/schedules.rs"]
mod schedules;

use std::fmt::Write;
use std::time::Duration;

use plain_worker::dashboard::{Action, Auth, Dashboard, Person, serve};
use plain_worker::schedule::Schedule;
use plain_worker::{BoxError, JobFilter, JobState, NewSchedule, Queue, Worker, job};
use plain_worker_tests::{Database, on_every_store, until, until_true};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use site::{Site, WRITES};

/// What must never stand in a page as it is: markup, quotes, other directions, much, and nothing.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> \u{202e}&amp; {{7*7}} ${7*7} é";

#[job]
async fn fails(text: String) -> Result<(), BoxError> {
    Err(text.into())
}

#[job]
async fn succeeds(n: i64, #[redact] password: String) -> i64 {
    let _ = password;
    n
}

#[job]
async fn waits(text: String) {
    let _ = text;
}

async fn drain(queue: &Queue) {
    let worker = Worker::builder(queue.clone()).drain();
    worker.run_until(std::future::pending()).await.expect("a worker");
}

async fn some_jobs(queue: &Queue) {
    fails::enqueue(HOSTILE.to_owned()).on(queue).await.unwrap();
    fails::enqueue("a\u{0}b".to_owned()).on(queue).await.unwrap();
    succeeds::enqueue(1_970_670_598_291_982_290, "canary-secret".to_owned())
        .metadata(json!({ "k": HOSTILE }))
        .on(queue)
        .await
        .unwrap();
    drain(queue).await;
    waits::enqueue(HOSTILE.to_owned()).queue(HOSTILE).unique_key(HOSTILE).on(queue).await.unwrap();
    waits::enqueue("x".repeat(100_000)).delay(Duration::from_secs(7_200)).on(queue).await.unwrap();
    queue.pause(plain_worker::PauseTarget::queue(HOSTILE), HOSTILE).await.unwrap();
    queue.note_change(HOSTILE, HOSTILE, HOSTILE, 3).await.unwrap();
    for name in [HOSTILE, "hostile"] {
        let arguments = json!({ "text": HOSTILE }).to_string();
        let new = NewSchedule::by_name(name, Schedule::parse("*/7 * * * *").unwrap(), "waits").arguments(arguments);
        queue.schedules().by(HOSTILE).add(new).await.unwrap();
        queue.schedules().by(HOSTILE).pause(name).await.unwrap();
    }
}

/// Every page there is, with the filter that shows all.
const PAGES: [&str; 17] = [
    "/",
    "/?range=month",
    "/schedules",
    "/schedules?day=2026-11-30&zone=Europe/Berlin",
    "/schedules/hostile",
    "/jobs",
    "/jobs?q=state:dead",
    "/jobs?view=points",
    "/jobs?cols=args.text,meta.k,output&sort=-job&order=oldest",
    "/jobs?q=%22timed%20out%22",
    "/queues",
    "/workers",
    "/functions",
    "/functions/fails",
    "/?range=day&queue=x&job=%3Cscript%3Ealert",
    "/audit",
    "/nowhere",
];

async fn every_page_shows_hostile_data_as_data(database: Database) {
    let queue = database.queue().await;
    some_jobs(&queue).await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let mut paths: Vec<String> = PAGES.iter().map(|&path| path.to_owned()).collect();
    paths.extend(queue.list(JobFilter::new(), None, 99).await.unwrap().iter().map(|job| format!("/jobs/{}", job.id)));
    let coded: String = HOSTILE.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").expect(WRITES);
        text
    });
    paths.extend([
        format!("/jobs?q={coded}"),
        format!("/jobs?q=queue:%22{coded}"),
        format!("/{coded}"),
        format!("/schedules/{coded}"),
        format!("/schedules?day={coded}"),
        format!("/schedules?day=2026-11-30&zone={coded}"),
        format!("/?range={coded}"),
    ]);
    for path in &paths {
        let answer = site.get(path).await;
        assert!(matches!(answer.status, 200 | 400 | 404), "{path}: {} {}", answer.status, answer.body);
        for raw in ["<script>alert", "<img", "onerror=alert(1)>", "\"'><", "canary-secret"] {
            assert!(!answer.body.contains(raw), "{path} holds {raw}");
        }
        // No inline script, handler or style, which the policy would refuse.
        for part in [" style=", "<style", " onclick", "javascript:"] {
            assert!(!answer.body.contains(part), "{path} holds {part}");
        }
        assert!(answer.body.len() < 400_000, "{path} has {} bytes", answer.body.len());
    }
    let job = &queue.list(JobFilter::new().matching("job:succeeds").unwrap(), None, 1).await.unwrap()[0];
    let page = site.get(&format!("/jobs/{}", job.id)).await.body;
    assert!(page.contains("1970670598291982290") && page.contains("hidden"), "{page}");
}

async fn every_answer_has_the_headers(database: Database) {
    let queue = database.queue().await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let asset = site.get("/").await.body.split("/assets/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let style = site.get(&format!("/assets/{asset}")).await;
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    let pages = PAGES.iter().copied().chain([
        "/healthz",
        "/readyz",
        "/metrics",
        "/jobs?format=json",
        "/assets/x.css",
        "/jobs/7",
    ]);
    for path in pages {
        let answer = site.get(path).await;
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
        assert!(
            policy.starts_with("default-src 'none'")
                && policy.contains("frame-ancestors 'none'")
                && !policy.contains("unsafe")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    let preflight = [("Origin", "https://evil.com"), ("Access-Control-Request-Method", "POST")];
    let preflight = site.send("OPTIONS", "/pause", &preflight, "").await;
    assert!(preflight.status >= 400 && preflight.header("access-control-allow-origin").is_none());
    for path in [
        "/assets/../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e/style.css",
        "/assets//etc/passwd",
        "/assets/style.css",
        "/../../etc/passwd",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

async fn only_our_hosts_are_answered(database: Database) {
    let queue = database.queue().await;
    let site = Site::with(Dashboard::new(queue.clone(), Auth::dangerously_public()).host("staff.example.com")).await;
    for host in ["localhost", "127.0.0.1:1", "[::1]:8787", "staff.example.com"] {
        assert_eq!(site.send("GET", "/healthz", &[("Host", host)], "").await.status, 200, "{host}");
    }
    for host in ["evil.com", "127.0.0.1.evil.com", "localhost.evil.com", "localhost@evil.com", "0.0.0.0", ""] {
        for path in ["/", "/healthz", "/metrics", "/jobs?format=json"] {
            assert_eq!(site.send("GET", path, &[("Host", host)], "").await.status, 421, "{host} {path}");
        }
    }
    assert!(matches!(
        site.send("GET", "/", &[("Host", "localhost"), ("Host", "evil.com")], "").await.status,
        400 | 421
    ));
}

async fn nothing_but_health_is_seen_without_a_password(database: Database) {
    let queue = database.queue().await;
    let id = waits::enqueue("x".to_owned()).on(&queue).await.unwrap().id();
    let site = Site::of(&queue, Auth::password("correct horse").unwrap()).await;
    let paths = PAGES.iter().map(|path| (*path).to_owned());
    for path in paths
        .chain(["/metrics", "/live", "/suggest?q=a", "/bulk/1", "/assets/x"].map(str::to_owned))
        .chain([format!("/jobs/{id}")])
    {
        let answer = site.get(&path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
    }
    for path in ["/pause", "/resume", "/preview", "/bulk", &format!("/jobs/{id}/cancel")] {
        assert_eq!(
            site.send("POST", path, &[("Sec-Fetch-Site", "same-origin")], "target=*").await.status,
            401,
            "{path}"
        );
    }
    let health = site.get("/healthz").await;
    assert_eq!((health.status, health.body.as_str()), (200, "alive\n"));
    assert_eq!(site.get("/readyz").await.body, "ready\n");
    // anna:correct horse
    let known = [("Authorization", "Basic YW5uYTpjb3JyZWN0IGhvcnNl")];
    assert_eq!(site.send("GET", "/jobs", &known, "").await.status, 200);
    let open = serve(
        Dashboard::new(queue, Auth::dangerously_public()),
        "0.0.0.0:0".parse().unwrap(),
        |_| {},
        std::future::pending(),
    );
    let refused = tokio::time::timeout(Duration::from_secs(30), open).await.expect("a refusal").unwrap_err();
    assert!(refused.to_string().starts_with("the dashboard would be open to everybody who reaches 0.0.0.0:0"));
}

async fn changes_come_from_our_own_forms_only(database: Database) {
    let queue = database.queue().await;
    let id = waits::enqueue("x".to_owned()).on(&queue).await.unwrap().id();
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let (token, cookie) = site.token().await;
    let (token, cookie) = (token.as_str(), cookie.as_str());
    let origin = format!("http://{}", site.address);
    let path = format!("/jobs/{id}/cancel");
    let with_token = format!("token={token}");
    let other = "0".repeat(64);
    let refused: Vec<(Vec<(&str, &str)>, String)> = vec![
        (vec![], with_token.clone()),
        (vec![("Cookie", cookie)], with_token.clone()),
        (vec![("Cookie", cookie), ("Sec-Fetch-Site", "cross-site")], with_token.clone()),
        (vec![("Cookie", cookie), ("Sec-Fetch-Site", "same-site")], with_token.clone()),
        (vec![("Cookie", cookie), ("Sec-Fetch-Site", "none")], with_token.clone()),
        (vec![("Cookie", cookie), ("Sec-Fetch-Site", "cross-site"), ("Origin", &origin)], with_token.clone()),
        (vec![("Cookie", cookie), ("Origin", "https://evil.com")], with_token.clone()),
        (vec![("Cookie", cookie), ("Origin", "null")], with_token.clone()),
        (vec![("Cookie", cookie), ("Sec-Fetch-Site", "same-origin")], String::new()),
        (vec![("Cookie", cookie), ("Sec-Fetch-Site", "same-origin")], "token=".to_owned()),
        (vec![("Cookie", cookie), ("Sec-Fetch-Site", "same-origin")], format!("token={other}")),
        (vec![("Sec-Fetch-Site", "same-origin")], with_token.clone()),
    ];
    for (headers, body) in &refused {
        let answer = site.send("POST", &path, headers, body).await;
        assert_eq!(answer.status, 403, "{headers:?} {body}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let headers = [("Cookie", cookie), ("Sec-Fetch-Site", "same-origin")];
        let answer = site.send(method, &path, &headers, &with_token).await;
        assert!(matches!(answer.status, 404 | 405), "{method}: {}", answer.status);
    }
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Ready, "nothing has changed");

    // An older browser says where it comes from by Origin alone.
    let answer = site.send("POST", &path, &[("Cookie", cookie), ("Origin", &origin)], &with_token).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(format!("/jobs/{id}").as_str())));
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Cancelled);
    assert_eq!(site.submit(&format!("/jobs/{id}/retry"), "").await.status, 303);
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Ready);
    assert_eq!(site.submit(&format!("/jobs/{id}/delete"), "").await.status, 303);
    assert!(queue.job(id).await.unwrap().is_none());
    assert_eq!(site.submit("/pause", "target=queue:mail").await.status, 303);
    assert_eq!(queue.pauses().await.unwrap()[0].by, "somebody");
    assert_eq!(site.submit("/resume", "target=queue:mail").await.status, 303);
    assert!(queue.pauses().await.unwrap().is_empty());
    let actions: Vec<_> = queue.audit(None, 99).await.unwrap().into_iter().map(|row| row.action).collect();
    for action in ["cancel", "retry", "delete", "pause", "resume"] {
        assert!(actions.iter().any(|noted| noted == action), "{action} is not noted: {actions:?}");
    }
}

async fn a_viewer_changes_nothing_and_sees_what_they_may(database: Database) {
    let queue = database.queue().await;
    let id = waits::enqueue("canary".to_owned()).unique_key("canary").on(&queue).await.unwrap().id();
    let site = Site::of(&queue, Auth::by(|_| Some(Person::new("eve").allow(Action::View)))).await;
    for path in ["/", "/jobs", "/schedules", "/queues", "/workers", "/functions", "/audit"] {
        let page = site.get(path).await;
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("method=\"post\"") || path == "/jobs", "{path} draws a form");
        assert!(!page.body.contains("canary") && !page.body.contains("name=\"action\""));
    }
    for path in [format!("/jobs/{id}"), format!("/jobs/{id}?format=json"), "/jobs?format=json".to_owned()] {
        let page = site.get(&path).await;
        assert!(page.status == 200 && !page.body.contains("canary"), "{path}: {}", page.body);
    }
    for q in ["canary", "args.text:c*", "error:x", "key:canary"] {
        assert_eq!(site.get(&format!("/jobs?q={q}")).await.status, 403, "a search tells what is inside: {q}");
    }
    for (path, fields) in [
        (format!("/jobs/{id}/retry"), ""),
        (format!("/jobs/{id}/cancel"), ""),
        (format!("/jobs/{id}/delete"), ""),
        ("/pause".to_owned(), "target=*"),
        ("/resume".to_owned(), "target=*"),
        ("/preview".to_owned(), "action=cancel&q=state:ready&all=yes"),
        ("/bulk".to_owned(), "action=cancel&q=state:ready&all=yes&count=1"),
    ] {
        assert_eq!(site.submit(&path, fields).await.status, 403, "{path}");
    }
    assert_eq!(queue.job(id).await.unwrap().unwrap().state, JobState::Ready);
    let nobody = Site::of(&queue, Auth::by(|_| None)).await;
    assert_eq!(nobody.get("/jobs").await.status, 401);
}

async fn all_that_match_are_changed_after_a_preview(database: Database) {
    let queue = database.queue().await;
    waits::enqueue_all((0..25).map(|n| waits { text: format!("t{n}") })).queue("many").on(&queue).await.unwrap();
    let kept = waits::enqueue("kept".to_owned()).on(&queue).await.unwrap().id();
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let preview = site.submit("/preview", "action=cancel&q=queue:many&all=yes").await;
    assert!(
        preview.status == 200
            && preview.body.contains("Cancel 25 jobs?")
            && preview.body.contains("name=\"count\" value=\"25\"")
    );
    assert_eq!(
        queue.list(JobFilter::new().state(JobState::Ready), None, 99).await.unwrap().len(),
        26,
        "a preview changes nothing"
    );
    for fields in [
        "action=cancel&q=&all=yes&count=99",
        "action=cancel&q=+&all=yes&count=99",
        "action=cancel&q=()&all=yes&count=99",
        "action=eat&q=queue:many&all=yes&count=99",
        "action=cancel&q=queue:many&all=yes",
        "action=cancel&count=9",
    ] {
        assert_eq!(site.submit("/bulk", fields).await.status, 400, "{fields}");
    }
    assert_eq!(
        site.submit("/bulk", "action=cancel&q=queue:many&all=yes&count=3").await.status,
        409,
        "more than were confirmed"
    );
    let started = site.submit("/bulk", "action=cancel&q=queue:many&all=yes&count=25").await;
    assert_eq!((started.status, started.header("location")), (303, Some("/bulk/1")));
    until_true("all are cancelled", || async { site.get("/bulk/1").await.body.contains("25 changed; done.") }).await;
    assert_eq!(queue.list(JobFilter::new().state(JobState::Cancelled), None, 99).await.unwrap().len(), 25);
    assert_eq!(queue.job(kept).await.unwrap().unwrap().state, JobState::Ready);
    let noted = &queue.audit(None, 99).await.unwrap();
    assert!(noted.iter().any(|row| row.action == "cancel"
        && row.count == 25
        && row.target.as_deref() == Some("jobs where queue:many")));
    assert!(site.get("/audit").await.body.contains("queue:many"));
}

async fn pages_and_json_say_the_same(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    some_jobs(&queue).await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let first = site.get("/jobs?format=json&limit=3").await.json();
    assert_eq!(first["jobs"].as_array().unwrap().len(), 3);
    let next = first["next"].as_str().unwrap();
    let rest = site.get(&format!("/jobs?format=json&limit=3&after={next}")).await.json();
    assert_eq!((rest["jobs"].as_array().unwrap().len(), rest["next"].is_null()), (2, true));
    let wrong = site.get("/jobs?q=stat:dead&format=json").await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.json()["error"], "`stat` is not a field: did you mean `state`?");
    assert!(site.get("/jobs?q=stat:dead").await.body.contains("did you mean"));
    assert_eq!(site.get("/suggest?q=job:wa").await.json(), json!(["job:waits"]));

    let waiting = queue.list(JobFilter::new().matching("job:waits state:ready").unwrap(), None, 1).await.unwrap()[0].id;
    let page = site.get(&format!("/jobs/{waiting}?format=json")).await.json();
    assert!(page["why"].as_str().unwrap().contains("is paused by"), "{page}");
    let later = queue.list(JobFilter::new().state(JobState::Scheduled), None, 1).await.unwrap()[0].id;
    assert!(
        site.get(&format!("/jobs/{later}"))
            .await
            .body
            .contains("It is due in 1h 59m; even then: no worker is running.")
    );

    queue.move_clock(Duration::from_secs(30)).await.unwrap();
    // A worker sums up what ended.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::builder(queue.clone()).queues(["nothing"]);
    let worker = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or(()) }));
    let metrics = until("the ends are summed up", || async {
        let text = site.get("/metrics").await.body;
        text.contains("job=\"fails\",outcome=\"dead\"} 2").then_some(text)
    })
    .await;
    assert!(metrics.contains("plain_worker_workers{alive=\"true\"} 1"), "{metrics}");
    assert!(metrics.contains("plain_worker_run_seconds_count{queue=\"default\",job=\"succeeds\"} 1"));
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("plain_worker_") && value.parse::<f64>().is_ok(), "{line}");
    }
    let home = site.get("/").await.body;
    assert!(home.contains("2 jobs died in the last 24 hours"));
    assert!(site.get("/workers").await.body.contains("nothing"));
    assert!(site.get("/functions").await.body.contains("job:fails"));
    drop(stop);
    worker.await.unwrap().unwrap();
}

async fn nothing_is_too_much_for_it(database: Database) {
    let queue = database.queue().await;
    waits::enqueue("x".to_owned()).on(&queue).await.unwrap();
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let huge = "x".repeat(60_000);
    assert_eq!(site.get(&format!("/jobs?q={huge}")).await.status, 200, "with the mistake shown");
    assert!(site.get(&format!("/jobs?q={}", "x".repeat(200_000))).await.status >= 400);
    for query in ["limit=-1", "limit=99999999999999999999", "limit=x", "after=x", "before=x", "limit=NaN"] {
        assert_eq!(
            site.get(&format!("/jobs?{query}")).await.status / 100,
            if query.starts_with("before") { 2 } else { 4 },
            "{query}"
        );
    }
    assert_eq!(site.get("/jobs?limit=1000000").await.status, 200);
    assert_eq!(site.get("/audit?before=-9223372036854775808").await.status, 200);
    for id in ["x", "%00", "../jobs", &"9".repeat(5_000)] {
        assert_eq!(site.get(&format!("/jobs/{id}")).await.status / 100, 4, "{id}");
    }
    let body = format!("q={}", "x".repeat(400_000));
    let (_, cookie) = site.token().await;
    let answer = site.send("POST", "/preview", &[("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin")], &body).await;
    assert!(matches!(answer.status, 0 | 413), "{}", answer.status);
    assert_eq!(site.get("/jobs").await.status, 200);
}

async fn watchers_that_stop_reading_hold_nothing_up(database: Database) {
    let queue = database.queue().await;
    let site = Site::of(&queue, Auth::dangerously_public()).await;
    let mut stuck = Vec::new();
    for _ in 0..400 {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        let request = format!("GET /live HTTP/1.1\r\nHost: {}\r\n\r\n", site.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        stuck.push(stream);
    }
    let mut watcher = TcpStream::connect(site.address).await.unwrap();
    watcher.write_all(format!("GET /live HTTP/1.1\r\nHost: {}\r\n\r\n", site.address).as_bytes()).await.unwrap();
    waits::enqueue_all((0..7).map(|n| waits { text: n.to_string() })).on(&queue).await.unwrap();
    let mut seen = String::new();
    let told = async {
        let mut bytes = [0; 4_096];
        while !seen.contains("\"state.ready\":\"7\"") {
            let count = watcher.read(&mut bytes).await.unwrap();
            assert!(count > 0, "the stream ended: {seen}");
            seen += &String::from_utf8_lossy(&bytes[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("figures are pushed");
    assert_eq!(site.get("/jobs").await.status, 200);
    drop(stuck);
}

on_every_store!(
    every_page_shows_hostile_data_as_data,
    every_answer_has_the_headers,
    only_our_hosts_are_answered,
    nothing_but_health_is_seen_without_a_password,
    changes_come_from_our_own_forms_only,
    a_viewer_changes_nothing_and_sees_what_they_may,
    all_that_match_are_changed_after_a_preview,
    pages_and_json_say_the_same,
    nothing_is_too_much_for_it,
    watchers_that_stop_reading_hold_nothing_up,
);
