//! The filter on real rows of every store: what each of its parts lets through.

use std::collections::BTreeSet;
use std::time::Duration;

use plain_worker::{BoxError, Error, JobFilter, JobState, Queue, Worker, job};
use plain_worker_tests::{Database, on_every_store};
use serde_json::{Value, json};

/// Ends as its argument says; everything else is there to be searched.
#[job(name = "sample", retries = 1, backoff = fixed("1h"))]
async fn sample(data: Value) -> Result<Value, BoxError> {
    match data["ends"].as_str() {
        Some("badly") => Err("the connection timed out: 100% of_it".into()),
        Some("for good") => Err(plain_worker::discard("no use \u{0} at all").into()),
        _ => Ok(json!({ "rows": 3 })),
    }
}

#[job]
async fn mail_digest(to: String, n: i64) {
    let _ = (to, n);
}

async fn run(queue: &Queue) {
    let worker = Worker::builder(queue.clone()).drain();
    worker.run_until(std::future::pending()).await.expect("a worker");
}

/// The tags (metadata) of the jobs that a filter lets through; the count and the pages say the same.
async fn tags(queue: &Queue, text: &str) -> BTreeSet<String> {
    let filter = JobFilter::new().matching(text).unwrap_or_else(|error| panic!("{error}"));
    let jobs = queue.list(filter.clone(), None, 100).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    let counted: u64 = queue.stats(filter.clone()).await.expect("counts").iter().map(|line| line.count).sum();
    assert_eq!(counted, jobs.len() as u64, "{text}");
    let mut paged = Vec::new();
    loop {
        let page = queue.list(filter.clone(), paged.last().copied(), 2).await.expect("a page");
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(|job| job.id));
    }
    assert_eq!(paged, jobs.iter().map(|job| job.id).collect::<Vec<_>>(), "{text}");
    let tag = |metadata: &str| serde_json::from_str::<Value>(metadata).unwrap()["tag"].as_str().unwrap().to_owned();
    jobs.iter().map(|job| tag(job.metadata.as_deref().unwrap())).collect()
}

async fn put(queue: &Queue, tag: &str, data: Value) {
    sample::enqueue(data).metadata(json!({ "tag": tag, "tenant": 7 })).on(queue).await.expect("an enqueue");
}

async fn some_jobs(queue: &Queue) {
    put(queue, "badly", json!({ "ends": "badly", "user": { "id": 7 }, "big": 9_007_199_254_740_993_i64 })).await;
    put(queue, "for_good", json!({ "ends": "for good", "user": { "id": "7" }, "tags": ["new", "red"] })).await;
    put(queue, "nul", json!({ "user": { "id": 8 }, "text": "a\u{0}b <script>", "backslash": "\\u0000" })).await;
    put(queue, "words", json!({ "text": "say \"timed out\" 50% ж", "flag": true, "none": null, "n": 1.5 })).await;
    run(queue).await;
    let digest = |n| mail_digest::enqueue(format!("ada{n}@example.com"), n);
    let tagged = |tag: &str| json!({ "tag": tag });
    digest(1).queue("mail").metadata(tagged("mail")).priority(5).on(queue).await.expect("an enqueue");
    digest(2)
        .unique_key("only one")
        .metadata(tagged("later"))
        .delay(Duration::from_secs(7_200))
        .on(queue)
        .await
        .expect("an enqueue");
}

async fn each_part_lets_its_jobs_through(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    some_jobs(&queue).await;
    let all = "badly for_good later mail nul words";
    let cases = [
        ("", all),
        ("state:dead", "for_good"),
        ("status:errored", "badly for_good"),
        ("state:waiting", "badly later mail"),
        ("state:ready,scheduled", "later mail"),
        ("state:succeeded", "nul words"),
        ("NOT state:finished", "badly later mail"),
        ("job:mail_digest", "later mail"),
        ("job:MAIL*", "later mail"),
        ("job:mail", ""),
        ("job:mail_digest,sample", all),
        ("queue:mail", "mail"),
        ("queue:m_il", ""),
        ("-queue:mail", "badly for_good later nul words"),
        ("key:\"only one\"", "later"),
        ("key:only*", "later"),
        ("key:*", "later"),
        ("error:\"TIMED out\"", "badly"),
        ("error:100%", "badly"),
        ("error:\"of it\"", ""),
        ("NOT error:timed", "for_good later mail nul words"),
        ("error:*", "badly for_good"),
        ("args.data.user.id:7", "badly for_good"),
        ("args.data.user.id:8", "nul"),
        ("args.data.user.id:>=8", "nul"),
        ("args.data.big:9007199254740993", "badly"),
        ("args.data.big:9007199254740992", ""),
        ("args.data.tags.1:red", "for_good"),
        ("args.data.tags.0:red", ""),
        ("args.data.flag:true", "words"),
        ("args.data.none:null", "words"),
        ("args.data.none:*", "words"),
        ("args.data.missing:*", ""),
        ("args.data.n:>1", "words"),
        ("args.data.n:<=1.5", "words"),
        ("args.data.text:*SCRIPT*", "nul"),
        ("args.to:*@example.com", "later mail"),
        ("args.to:ada?@example.com", ""),
        ("args.to:>=ada2", "later"),
        ("meta.tenant:7", "badly for_good nul words"),
        ("output.rows:>2", "nul words"),
        ("attempt:0", "later mail"),
        ("attempt:>=1 failures:1", "badly for_good"),
        ("retries:<1", "later mail"),
        ("priority:>0", "mail"),
        ("due:<0s", "badly later"),
        ("due:<-90m", "later"),
        ("ended:<1h", "for_good nul words"),
        ("started:<1h", "for_good nul words"),
        ("duration:<1h", "for_good nul words"),
        ("duration:>1h", ""),
        ("age:>1h", ""),
        ("age:<1h", all),
        ("enqueued:>=2020-01-01 enqueued:<2999-01-01T00:00:00Z", all),
        ("enqueued:2020-01-01", ""),
        ("source:*tests/filter.rs*", all),
        ("script", "nul"),
        ("timed out", "badly words"),
        ("\"timed out\"", "badly words"),
        ("\"say \\\"timed\"", "words"),
        ("ж", "words"),
        ("50%", "words"),
        ("worker:*", "for_good nul words"),
        ("worker:no_such_host", ""),
        ("(job:sample OR queue:mail) state:ready", "mail"),
        ("job:sample -(args.data.user.id:7 OR ж)", "nul"),
        ("job:\"' OR true --\"", ""),
        ("args.x'y:\"');DROP\"", ""),
    ];
    for (text, expected) in cases {
        let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
        assert_eq!(tags(&queue, text).await, expected, "{text}");
    }

    let job = &queue.list(JobFilter::new().queue("mail"), None, 1).await.unwrap()[0];
    assert_eq!(tags(&queue, &format!("id:{}", job.id)).await.len(), 1);
    // The builder's own parts are further conditions.
    let both = JobFilter::new().state(JobState::Ready).matching("job:sample").unwrap();
    assert!(queue.list(both, None, 9).await.unwrap().is_empty());

    queue.move_clock(Duration::from_secs(3 * 3600)).await.unwrap();
    assert_eq!(tags(&queue, "age:>2h").await.len(), 6, "ages go by the database's clock");
}

async fn a_purge_takes_what_the_filter_says(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    some_jobs(&queue).await;
    let purged = |text: &'static str| {
        let filter = JobFilter::new().matching(text).unwrap();
        async { queue.purge(filter).await.unwrap() }
    };
    assert_eq!(purged("state:finished").await, 0, "only what waits is taken away");
    assert_eq!(purged("error:timed args.data.user.id:7").await, 1);
    assert_eq!(purged("started:<1h").await, 0);
    assert_eq!(purged("NOT queue:mail NOT ended:<1h").await, 1);
    assert_eq!(tags(&queue, "state:waiting").await, BTreeSet::from(["mail".to_owned()]));
}

async fn a_search_stops_when_its_time_is_up(database: Database) {
    let queue = database.queue().await;
    let text = "x".repeat(2_000);
    let many = (0..20_000).map(move |n| mail_digest { to: text.clone(), n });
    mail_digest::enqueue_all(many).on(&queue).await.expect("a bulk enqueue");
    let costly = (0..100).map(|n| format!("args.to:*{n}y*")).collect::<Vec<_>>().join(" OR ");
    let filter = JobFilter::new().matching(&costly).unwrap().within(Duration::from_millis(20));
    for answer in [queue.list(filter.clone(), None, 9).await.map(drop), queue.stats(filter).await.map(drop)] {
        assert!(matches!(answer, Err(Error::TooLong { .. })), "{answer:?}");
        assert!(answer.unwrap_err().to_string().starts_with("stopped after 20ms while trying to "));
    }
    // The connection is as good as before.
    assert_eq!(queue.list(JobFilter::new(), None, 9).await.unwrap().len(), 9);
}

on_every_store!(
    each_part_lets_its_jobs_through,
    a_purge_takes_what_the_filter_says,
    a_search_stops_when_its_time_is_up
);
