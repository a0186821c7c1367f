//! Typed look-ups: by unique key, queue and time; counted and listed, with the arguments back.

use std::time::Duration;

use plain_worker::{BoxError, Context, Found, Job, JobState, Lookup, Worker, job};
use plain_worker_tests::{Database, on_every_store, until_true};

#[job(unique(user_id))]
async fn welcome(user_id: i64, #[serde(default)] name: String) -> Result<String, BoxError> {
    if user_id < 0 { Err(format!("no user {user_id}").into()) } else { Ok(format!("{name}{user_id}")) }
}

#[job]
async fn other(user_id: i64) {
    assert!(user_id > 0);
}

#[job]
async fn holds_on(#[inject] ctx: Context, key: String) {
    ctx.cancelled().await;
    drop(key);
}

/// Arguments that are called as what stands beside them.
#[job]
async fn collides(waiting: u8, running: u8, results: u8, enqueue: u8, handle: u8) -> u8 {
    waiting + running + results + enqueue + handle
}

#[job(name = "newer_name", aliases("older_name"))]
async fn renamed(n: u8) -> u8 {
    n
}

async fn ids<J: Job>(lookup: Lookup<J>) -> Vec<plain_worker::JobId> {
    lookup.list(100).await.unwrap().iter().map(Found::id).collect()
}

async fn drain(queue: &plain_worker::Queue) {
    Worker::builder(queue.clone()).drain().run_until(std::future::pending()).await.expect("a worker");
}

on_every_store! {
    waiting_jobs_are_found_with_their_arguments,
    running_jobs_are_found,
    results_are_found_by_the_time_of_their_end,
    names_of_arguments_do_not_matter,
    rows_of_an_older_name_are_found,
    a_state_in_which_none_can_be_finds_nothing,
}

async fn waiting_jobs_are_found_with_their_arguments(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    let first = welcome::enqueue(1, "ann".into()).on(&queue).await.unwrap().id();
    other::enqueue(1).on(&queue).await.unwrap();
    queue.move_clock(Duration::from_secs(3600)).await.unwrap();
    let second = welcome::enqueue(2, "bob".into()).queue("mail").on(&queue).await.unwrap().id();
    let later = welcome::enqueue(3, "cid".into()).delay(Duration::from_secs(60)).on(&queue).await.unwrap().id();
    let look = || welcome::waiting().on(&queue);
    assert_eq!(look().count().await.unwrap(), 3);
    let found = look().list(10).await.unwrap();
    let seen: Vec<_> = found.iter().map(|one| one.arguments().unwrap()).collect();
    assert_eq!(
        seen,
        [
            welcome { user_id: 3, name: "cid".into() },
            welcome { user_id: 2, name: "bob".into() },
            welcome { user_id: 1, name: "ann".into() },
        ]
    );
    assert_eq!(found[0].row.state, JobState::Scheduled);
    assert!(found[0].output().unwrap().is_none());
    assert_eq!(ids(look().queue("mail")).await, [second]);
    assert_eq!(ids(look().queue("mail").queue("default")).await, [later, second, first]);
    assert_eq!(ids(look().state(JobState::Scheduled)).await, [later]);
    assert_eq!(ids(look().unique_key(r#"{"user_id":2}"#)).await, [second]);
    assert_eq!(look().unique_key(r#"{"user_id":9}"#).count().await.unwrap(), 0);
    let between = found[2].row.enqueued_at + chrono::TimeDelta::minutes(30);
    assert_eq!(ids(look().until(between)).await, [first]);
    assert_eq!(ids(look().since(between)).await, [later, second]);
    assert_eq!(look().since(between).count().await.unwrap(), 2);
    assert_eq!(ids(look().after(later)).await, [second, first]);
    assert_eq!(look().list(1).await.unwrap().len(), 1);
    assert_eq!(look().first().await.unwrap().unwrap().handle().on(&queue).status().await.unwrap(), JobState::Scheduled);
    assert_eq!(other::waiting().on(&queue).count().await.unwrap(), 1);
    let nobody =
        welcome::running().on(&queue).count().await.unwrap() + welcome::results().on(&queue).count().await.unwrap();
    assert_eq!(nobody, 0);
}

async fn running_jobs_are_found(database: Database) {
    let queue = database.queue().await;
    let handle = holds_on::enqueue("k".into()).on(&queue).await.unwrap();
    let look = || holds_on::running().on(&queue);
    let stop = async {
        until_true("it runs", || async { look().count().await.unwrap() == 1 }).await;
        let found = look().first().await.unwrap().unwrap();
        assert_eq!((found.id(), found.arguments().unwrap().key), (handle.id(), "k".to_owned()));
        assert_eq!(holds_on::waiting().on(&queue).count().await.unwrap(), 0);
        handle.cancel().await.unwrap();
        assert!(handle.wait().await.is_ok());
    };
    Worker::builder(queue.clone()).run_until(stop).await.unwrap();
}

async fn results_are_found_by_the_time_of_their_end(database: Database) {
    let queue = database.queue_with_movable_clock().await;
    let good = welcome::enqueue(7, "ann".into()).on(&queue).await.unwrap().id();
    drain(&queue).await;
    queue.move_clock(Duration::from_secs(3600)).await.unwrap();
    let bad = welcome::enqueue(-7, String::new()).on(&queue).await.unwrap().id();
    drain(&queue).await;
    let look = || welcome::results().on(&queue);
    assert_eq!(ids(look()).await, [bad, good]);
    assert_eq!(ids(look().state(JobState::Dead)).await, [bad]);
    assert_eq!(ids(look().unique_key(r#"{"user_id":7}"#)).await, [good]);
    let found = look().state(JobState::Succeeded).first().await.unwrap().unwrap();
    assert_eq!(found.output().unwrap().as_deref(), Some("ann7"));
    assert_eq!(found.arguments().unwrap(), welcome { user_id: 7, name: "ann".into() });
    let between = found.row.ended_at.unwrap() + chrono::TimeDelta::minutes(30);
    assert_eq!(ids(look().since(between)).await, [bad]);
    assert_eq!(ids(look().until(between)).await, [good]);
    assert_eq!(look().until(between).count().await.unwrap(), 1);
}

async fn names_of_arguments_do_not_matter(database: Database) {
    let queue = database.queue().await;
    collides::enqueue(1, 2, 3, 4, 5).on(&queue).await.unwrap();
    let job = collides { waiting: 1, running: 2, results: 3, enqueue: 4, handle: 5 };
    let found = collides::waiting().on(&queue).first().await.unwrap().unwrap();
    assert_eq!(found.arguments().unwrap(), job);
    drain(&queue).await;
    assert_eq!(collides::results().on(&queue).first().await.unwrap().unwrap().output().unwrap(), Some(15));
}

async fn rows_of_an_older_name_are_found(database: Database) {
    let queue = database.queue().await;
    renamed::enqueue(1).on(&queue).await.unwrap();
    renamed::enqueue(2).on(&queue).await.unwrap();
    database.execute("UPDATE {}job_requests SET job = 'older_name' WHERE seq = 1").await;
    let found = renamed::waiting().on(&queue).list(10).await.unwrap();
    let seen: Vec<_> = found.iter().map(|one| (&*one.row.job, one.arguments().unwrap().n)).collect();
    assert_eq!(seen, [("newer_name", 2), ("older_name", 1)]);
}

async fn a_state_in_which_none_can_be_finds_nothing(database: Database) {
    let queue = database.queue().await;
    renamed::enqueue(1).on(&queue).await.unwrap();
    let look = || renamed::waiting().state(JobState::Dead).on(&queue);
    assert_eq!(look().count().await.unwrap(), 0);
    assert!(look().first().await.unwrap().is_none());
}
