use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Fixture, changed, claim, new, number, worker, worker_row};
use crate::error::{Error, Refused};
use crate::monitor::{Rate, RateKind, RateQuery};
use crate::pause::PauseTarget;
use crate::record::{
    Again, CancelAnswer, Claim, Due, Finish, HeldKey, Hold, Inserted, JobFilter, NewRequest, Next, Notice, Pulse,
    Record, RetryAnswer, Run,
};
use crate::retention::Retention;
use crate::status::{AttemptStatus, CancelReason, ErrorKind, JobState, UniqueUntil};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn record(status: AttemptStatus) -> Option<Record> {
    let kind = (status == AttemptStatus::Errored).then_some(ErrorKind::Error);
    let error = (status != AttemptStatus::Successful).then(|| "it failed".to_owned());
    Some(Record { status, kind, error, output: None })
}

fn ended(run: &Run, status: AttemptStatus, state: JobState) -> Finish {
    let held = run.unique.as_ref().map(|(key, _)| HeldKey { job: run.job.clone(), key: key.clone() });
    Finish { held, ..finish(run, record(status), Next::End(state)) }
}

pub(super) fn succeeded(run: &Run) -> Finish {
    ended(run, AttemptStatus::Successful, JobState::Succeeded)
}

fn died(run: &Run) -> Finish {
    ended(run, AttemptStatus::Errored, JobState::Dead)
}

pub(super) fn again(run: &Run, state: JobState, delay: Duration) -> Again {
    Again { state, delay, attempt: run.attempt, note: None }
}

pub(super) fn waits(run: &Run, record: Option<Record>, again: Again) -> Finish {
    finish(run, record, Next::Again(again))
}

fn finish(run: &Run, record: Option<Record>, next: Next) -> Finish {
    let &Run { token, id, failures, losses, hand_backs, .. } = run;
    Finish { token, id, held: None, record, failures, losses, hand_backs, next }
}

pub(super) fn keyed(n: i64, key: &str, until: UniqueUntil) -> crate::record::NewRequest {
    changed(n, |request| request.unique = Some((key.to_owned(), until)))
}

pub(super) use super::changes::*;
pub(super) use super::schedules::*;

pub(super) async fn jobs_are_claimed_by_priority_then_due_time_then_order_of_enqueue(f: Fixture) {
    f.put(vec![new(3), new(4)]).await;
    f.put(vec![changed(1, |request| request.priority = 7), changed(9, |request| request.priority = -1)]).await;
    let past = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    f.put(vec![changed(2, |request| {
        request.priority = 7;
        request.due = Due::In(SECOND);
    })])
    .await;
    f.put(vec![
        new(5),
        changed(6, |request| request.due = Due::At(past)),
        changed(7, |request| request.queue = "b".into()),
    ])
    .await;
    f.move_clock(SECOND * 2).await.unwrap();
    assert_eq!(f.promote(10, false).await.unwrap().count, 1);
    let mut order = Vec::new();
    for _ in 0..4 {
        order.extend(f.take(2).await.iter().map(number));
    }
    assert_eq!(order, [1, 2, 3, 4, 5, 6, 7, 9], "a past time counts as the time of the enqueue");
}

pub(super) async fn no_job_is_claimed_twice(f: Fixture) {
    f.put((0..600).map(new).collect()).await;
    let claimers = (0..8).map(|_| {
        let store = Arc::clone(&f.store);
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let runs = store.claim(claim(7)).await.unwrap();
                assert!(runs.len() <= 7, "{} claimed, 7 asked", runs.len());
                if runs.is_empty() {
                    return mine;
                }
                mine.extend(runs);
            }
        })
    });
    let mut runs = Vec::new();
    for claimer in claimers {
        runs.extend(claimer.await.unwrap());
    }
    // A claimer that came while another held the last rows may have gone early; what is left is claimed here.
    runs.extend(f.take(600).await);
    assert_eq!(runs.len(), 600);
    assert_eq!(runs.iter().map(number).collect::<HashSet<_>>().len(), 600);
    assert_eq!(runs.iter().map(|run| run.token).collect::<HashSet<_>>().len(), 600);
}

pub(super) async fn a_claim_is_of_the_named_queues_and_jobs_only(f: Fixture) {
    let named = |n, job: &'static str, queue: &'static str, shape: &'static str| {
        changed(n, |request| {
            request.job = Cow::Borrowed(job);
            request.queue = Cow::Borrowed(queue);
            request.shape = Cow::Borrowed(shape);
        })
    };
    f.put(vec![named(1, "a", "x", "s"), named(2, "b", "x", "s"), named(3, "b", "x", "t"), named(4, "a", "y", "s")])
        .await;
    let numbers = |claim: Claim| async {
        let runs = f.claim(claim).await.unwrap();
        let numbers: Vec<_> = runs.iter().map(number).collect();
        for run in &runs {
            assert!(f.end(waits(run, None, Again { attempt: 0, ..again(run, JobState::Ready, Duration::ZERO) })).await);
        }
        numbers
    };
    let all = || claim(10);
    assert_eq!(numbers(all()).await, [1, 2, 3, 4]);
    assert_eq!(numbers(Claim { queues: Some(vec!["y".into(), "none".into()]), ..all() }).await, [4]);
    assert_eq!(numbers(Claim { only: Some(vec!["b".into()]), ..all() }).await, [2, 3]);
    assert_eq!(numbers(Claim { except: vec![("b".into(), "s".into())], ..all() }).await, [1, 3, 4]);
    assert_eq!(numbers(Claim { except: vec![("b".into(), String::new())], ..all() }).await, [1, 4]);
    assert_eq!(numbers(Claim { queues: Some(Vec::new()), ..all() }).await, [] as [i64; 0]);
    assert_eq!(numbers(Claim { except_queues: vec!["x".into()], ..all() }).await, [4]);
    let overlapping = Claim { queues: Some(vec!["x".into(), "y".into()]), except_queues: vec!["y".into()], ..all() };
    assert_eq!(numbers(overlapping).await, [1, 2, 3]);
}

pub(super) async fn a_delayed_job_is_claimed_when_its_time_has_come(f: Fixture) {
    let at = chrono::Utc::now() + chrono::TimeDelta::seconds(120);
    f.put(vec![
        changed(1, |request| request.due = Due::In(SECOND * 60)),
        changed(2, |request| request.due = Due::At(at)),
    ])
    .await;
    let first = f.promote(10, false).await.unwrap();
    assert_eq!(first.count, 0);
    assert!(first.next_in.is_some_and(|next| next > SECOND * 50 && next <= SECOND * 60), "{first:?}");
    assert!(f.take(10).await.is_empty());
    f.move_clock(SECOND * 61).await.unwrap();
    assert_eq!(f.promote(10, false).await.unwrap().count, 1);
    assert_eq!(number(&f.take_one().await), 1);
    f.move_clock(SECOND * 61).await.unwrap();
    assert_eq!(f.promote(10, false).await.unwrap(), crate::record::Promoted { count: 1, ..Default::default() });
    assert_eq!(number(&f.take_one().await), 2);
}

pub(super) async fn an_end_is_recorded_once_and_only_by_who_holds_the_run(f: Fixture) {
    f.put(vec![new(1)]).await;
    let stale = f.take_one().await;
    // Somebody rescues it, and it runs elsewhere.
    let lost = waits(&stale, record(AttemptStatus::Lost), again(&stale, JobState::Ready, Duration::ZERO));
    assert!(f.end(Finish { losses: 1, ..lost }).await);
    let fresh = f.take_one().await;
    assert!(fresh.token > stale.token);
    assert_eq!((fresh.id, fresh.attempt, fresh.losses), (stale.id, 2, 1));
    assert!(!f.end(succeeded(&stale)).await, "a run that was taken over records nothing");
    assert!(f.end(succeeded(&fresh)).await);
    assert!(!f.end(succeeded(&fresh)).await, "nor does one that has ended");
    let attempts = f.attempts(fresh.id).await.unwrap();
    assert_eq!(
        attempts.iter().map(|one| one.status).collect::<Vec<_>>(),
        [AttemptStatus::Lost, AttemptStatus::Successful]
    );
    assert_eq!(attempts[1].build.as_deref(), Some("b1"));
    assert_eq!(f.state(fresh.id).await, Some(JobState::Succeeded));
    // Several ends at once: those that are held are recorded, the others are not.
    f.put(vec![new(2), new(3)]).await;
    let runs = f.take(2).await;
    let recorded = f.finish([succeeded(&stale), succeeded(&runs[1]), succeeded(&runs[0])].into()).await.unwrap();
    assert_eq!(recorded.into_iter().collect::<BTreeSet<_>>(), runs.iter().map(|run| run.token).collect());
}

pub(super) async fn a_run_token_is_never_used_again(f: Fixture) {
    let mut last = 0;
    for n in 0..5 {
        f.put(vec![new(n)]).await;
        let run = f.take_one().await;
        assert!(run.token > last);
        last = run.token;
        assert!(f.end(succeeded(&run)).await);
    }
}

pub(super) async fn a_retry_is_written_with_its_failure(f: Fixture) {
    f.put(vec![changed(1, |request| request.retries = 3)]).await;
    let run = f.take_one().await;
    let next = Again { note: Some("it failed".into()), ..again(&run, JobState::Retrying, SECOND * 30) };
    let failed = Finish { failures: 1, ..waits(&run, record(AttemptStatus::Errored), next) };
    assert!(f.end(failed).await);
    let row = f.job(run.id).await.unwrap().unwrap();
    assert_eq!((row.state, row.failures, row.error.as_deref()), (JobState::Retrying, 1, Some("it failed")));
    assert!((row.due_at - row.enqueued_at).num_seconds() >= 29);
    assert_eq!(f.attempts(run.id).await.unwrap().len(), 1);
    f.move_clock(SECOND * 31).await.unwrap();
    f.promote(10, false).await.unwrap();
    let second = f.take_one().await;
    assert_eq!((second.attempt, second.failures, second.retries), (2, 1, 3));
}

pub(super) async fn a_hand_back_leaves_no_trace(f: Fixture) {
    f.put(vec![new(1), new(2)]).await;
    let first = f.take_one().await;
    assert!(f.end(waits(&first, None, Again { attempt: 0, ..again(&first, JobState::Ready, Duration::ZERO) })).await);
    assert!(f.attempts(first.id).await.unwrap().is_empty());
    let same = f.take_one().await;
    assert_eq!((same.id, same.attempt), (first.id, 1), "it kept its place and its attempt");
}

pub(super) async fn sixteen_enqueues_with_one_key_leave_one_job(f: Fixture) {
    for round in 0..5 {
        let key = format!("k{round}");
        let waiting: Vec<_> = (0..16)
            .map(|n| {
                let (store, key) = (Arc::clone(&f.store), key.clone());
                tokio::spawn(
                    async move { store.insert([keyed(n, &key, UniqueUntil::End)].into(), false).await.unwrap()[0] },
                )
            })
            .collect();
        let mut answers = Vec::new();
        for one in waiting {
            answers.push(one.await.unwrap());
        }
        assert_eq!(answers.iter().filter(|one| one.is_new()).count(), 1);
        assert_eq!(answers.iter().map(Inserted::id).collect::<HashSet<_>>().len(), 1);
        // While it runs its key is held as well, and when it has ended it is not.
        let run = f.take_one().await;
        let while_it_runs = f.put(vec![keyed(1, &key, UniqueUntil::End)]).await;
        assert_eq!(while_it_runs, [Inserted::Existing(run.id, JobState::Running)]);
        assert!(f.end(succeeded(&run)).await);
        assert!(f.take(1).await.is_empty());
    }
}

pub(super) async fn a_key_is_free_when_its_job_has_ended(f: Fixture) {
    f.put(vec![keyed(1, "k", UniqueUntil::End)]).await;
    let run = f.take_one().await;
    // Waiting for its retry it still holds the key.
    assert!(f.end(waits(&run, record(AttemptStatus::Errored), again(&run, JobState::Retrying, Duration::ZERO))).await);
    let held = f.put(vec![keyed(2, "k", UniqueUntil::End)]).await[0];
    assert_eq!(held, Inserted::Existing(run.id, JobState::Retrying));
    f.promote(10, false).await.unwrap();
    let run = f.take_one().await;
    assert!(f.end(died(&run)).await);
    assert!(f.put(vec![keyed(3, "k", UniqueUntil::End)]).await[0].is_new());
    // Another job's name has keys of its own.
    let other = changed(4, |request| {
        request.job = "other".into();
        request.unique = Some(("k".into(), UniqueUntil::End));
    });
    assert!(f.put(vec![other]).await[0].is_new());
}

pub(super) async fn a_key_until_start_is_free_when_its_job_starts(f: Fixture) {
    f.put(vec![keyed(1, "k", UniqueUntil::Start)]).await;
    assert!(!f.put(vec![keyed(2, "k", UniqueUntil::Start)]).await[0].is_new());
    let run = f.take_one().await;
    let second = f.put(vec![keyed(3, "k", UniqueUntil::Start)]).await[0];
    assert!(second.is_new(), "what is enqueued in mid-run waits its turn");
    // The end of the first does not free the key of the second.
    assert!(f.end(succeeded(&run)).await);
    assert_eq!(f.put(vec![keyed(4, "k", UniqueUntil::Start)]).await[0].id(), second.id());
}

pub(super) async fn one_batch_may_name_a_key_twice(f: Fixture) {
    let batch = vec![keyed(1, "k", UniqueUntil::End), new(2), keyed(3, "k", UniqueUntil::End)];
    let ids: Vec<_> = batch.iter().map(|request| request.id).collect();
    let answers = f.put(batch).await;
    assert_eq!(answers, [Inserted::New(ids[0]), Inserted::New(ids[1]), Inserted::Existing(ids[0], JobState::Ready)]);
}

pub(super) async fn many_bulk_enqueues_of_the_same_keys_do_not_block_each_other(f: Fixture) {
    let waiting: Vec<_> = (0..8_i64)
        .map(|task| {
            let store = Arc::clone(&f.store);
            tokio::spawn(async move {
                let batch: Vec<_> =
                    (0..100).map(|n| keyed(n, &format!("k{}", (n * 37 + task * 13) % 100), UniqueUntil::End)).collect();
                store.insert(batch.into(), false).await.map(|answers| answers.iter().filter(|one| one.is_new()).count())
            })
        })
        .collect();
    let mut stored = 0;
    for one in waiting {
        stored += one.await.unwrap().unwrap();
    }
    assert_eq!(stored, 100);
}

pub(super) async fn an_enqueue_that_is_repeated_stores_nothing_twice(f: Fixture) {
    let batch: Arc<[_]> = [new(1), keyed(2, "k", UniqueUntil::End)].into();
    let repeat = || async { f.insert(Arc::clone(&batch), true).await.unwrap() };
    let ids: Vec<_> = batch.iter().map(|request| Inserted::New(request.id)).collect();
    assert_eq!(repeat().await, ids, "a first try that never arrived");
    assert_eq!(repeat().await, ids, "while they wait");
    let runs = f.take(10).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(repeat().await, ids, "while they run");
    f.finish(runs.iter().map(succeeded).collect()).await.unwrap();
    assert_eq!(repeat().await, ids, "after they have ended");
    assert!(f.take(10).await.is_empty());
}

pub(super) async fn an_iterator_that_fails_stores_nothing(f: Fixture) {
    let refused = Refused::Option { job: "sample".into(), reason: "no".into() };
    let requests = (0..5_000).map(new).map(Ok).chain([Err(refused.clone())]);
    let answer = f.insert_all(Box::new(requests)).await;
    assert!(matches!(answer, Err(Error::Refused(found)) if found == refused));
    assert!(f.stats(JobFilter::new()).await.unwrap().is_empty());
}

pub(super) async fn many_jobs_go_in_as_one(f: Fixture) {
    let requests: Vec<_> = (0..5_003).map(new).collect();
    let ids: Vec<_> = requests.iter().map(|request| Inserted::New(request.id)).collect();
    assert_eq!(f.insert_all(Box::new(requests.into_iter().map(Ok))).await.unwrap(), ids);
    let stats = f.stats(JobFilter::new()).await.unwrap();
    assert_eq!(stats.iter().map(|line| line.count).collect::<Vec<_>>(), [5_003]);
    assert_eq!(f.take(3).await.iter().map(number).collect::<Vec<_>>(), [0, 1, 2]);
}

pub(super) async fn arguments_come_back_as_they_went(f: Fixture) {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let texts = [
        r#"{"n":18446744073709551615,"m":-9223372036854775808}"#,
        r#"{"nul":"\u0000","emoji":"🦀","escaped":"\\u0000 \" \/ \n","big":1e308,"keys":{},"none":null}"#,
        r#"{"b":1,"a":2,"b_again":[]}"#,
        &deep,
    ];
    let requests = texts.iter().map(|text| {
        changed(0, |request| {
            request.arguments = (*text).to_owned();
            request.metadata = Some((*text).to_owned());
        })
    });
    f.put(requests.collect()).await;
    let runs = f.take(10).await;
    assert_eq!(runs.iter().map(|run| run.arguments.as_str()).collect::<Vec<_>>(), texts);
    assert_eq!(runs.iter().filter_map(|run| run.metadata.as_deref()).collect::<Vec<_>>(), texts);
    for (run, text) in runs.iter().zip(texts) {
        let output = Some(Record { output: Some(text.to_owned()), ..record(AttemptStatus::Successful).unwrap() });
        assert!(f.end(Finish { record: output, ..succeeded(run) }).await);
        let row = f.job(run.id).await.unwrap().unwrap();
        assert_eq!((row.arguments.as_str(), row.output.as_deref()), (text, Some(text)));
    }
    assert_eq!(f.list(JobFilter::new(), None, 10).await.unwrap().len(), texts.len());
}

pub(super) async fn stored_requests_of_every_state_are_read_in_order(f: Fixture) {
    f.put(vec![new(1), new(2), changed(3, |request| request.due = Due::In(DAY)), new(4)]).await;
    let run = f.take_one().await;
    let parked = Again { state: JobState::Parked, ..again(&run, JobState::Parked, Duration::ZERO) };
    assert!(f.end(waits(&run, None, parked)).await);
    let running = f.take_one().await;
    assert_eq!(number(&running), 2);
    let first = f.requests(0, 2).await.unwrap();
    assert_eq!(first.len(), 2);
    let rest = f.requests(first[1].seq, 10).await.unwrap();
    let mut seen: Vec<_> = first.iter().chain(&rest).map(|row| (&*row.job, &*row.arguments)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("sample", r#"{"n":1}"#), ("sample", r#"{"n":3}"#), ("sample", r#"{"n":4}"#)]);
    assert!(f.requests(rest.last().unwrap().seq, 10).await.unwrap().is_empty());
}

pub(super) async fn a_parked_job_waits_for_who_can_run_it(f: Fixture) {
    f.put(vec![new(1), new(2)]).await;
    for run in f.take(2).await {
        let parked =
            Again { attempt: 0, note: Some("unknown here".into()), ..again(&run, JobState::Parked, Duration::ZERO) };
        assert!(f.end(waits(&run, None, parked)).await);
    }
    assert!(f.take(10).await.is_empty());
    let parked = f.list(JobFilter::new().state(JobState::Parked), None, 10).await.unwrap();
    assert_eq!(parked.len(), 2);
    assert_eq!((parked[0].attempt, parked[0].error.as_deref()), (0, Some("unknown here")));
    assert!(f.parked(vec!["other".into()], 0, 10).await.unwrap().is_empty());
    let rows = f.parked(vec!["sample".into()], 0, 1).await.unwrap();
    let rest = f.parked(vec!["sample".into()], rows[0].seq, 10).await.unwrap();
    assert_eq!((rows.len(), rest.len()), (1, 1));
    assert_eq!(f.unpark(vec![rest[0].seq]).await.unwrap(), 1);
    assert_eq!(number(&f.take_one().await), 2);
}

pub(super) async fn a_job_can_be_cancelled_wherever_it_stands(f: Fixture) {
    let batch = vec![keyed(1, "k", UniqueUntil::End), new(2)];
    let (waiting, running) = (batch[0].id, batch[1].id);
    f.put(batch).await;
    assert_eq!(f.cancel(waiting, "me".into(), true).await.unwrap(), Some(CancelAnswer::Cancelled));
    assert_eq!(f.state(waiting).await, Some(JobState::Cancelled));
    assert_eq!(f.attempts(waiting).await.unwrap()[0].error.as_deref(), Some("cancelled by me"));
    assert_eq!(f.cancel(waiting, String::new(), true).await.unwrap(), Some(CancelAnswer::Ended(JobState::Cancelled)));
    assert!(f.put(vec![keyed(3, "k", UniqueUntil::End)]).await[0].is_new(), "its key is free");
    let run = f.take_one().await;
    assert_eq!(run.id, running);
    assert_eq!(f.cancel(running, String::new(), true).await.unwrap(), Some(CancelAnswer::Asked));
    assert_eq!(f.state(running).await, Some(JobState::Running));
    assert_eq!(f.cancel(crate::JobId::generate(), String::new(), true).await.unwrap(), None);
}

pub(super) async fn a_dead_job_can_run_again(f: Fixture) {
    f.put(vec![keyed(1, "k", UniqueUntil::End)]).await;
    let run = f.take_one().await;
    assert_eq!(f.retry(run.id, None).await.unwrap(), Some(RetryAnswer::Running));
    let spent = waits(&run, record(AttemptStatus::Errored), again(&run, JobState::Retrying, DAY));
    assert!(f.end(Finish { failures: 1, ..spent }).await);
    assert_eq!(f.retry(run.id, None).await.unwrap(), Some(RetryAnswer::Ready), "one that waits runs now");
    let run = f.take_one().await;
    assert_eq!((run.attempt, run.failures), (2, 0));
    assert!(f.end(died(&run)).await);
    assert_eq!(f.state(run.id).await, Some(JobState::Dead));
    assert_eq!(f.retry(run.id, None).await.unwrap(), Some(RetryAnswer::Ready));
    assert_eq!(f.state(run.id).await, Some(JobState::Ready), "it stands in one place only");
    assert_eq!(f.list(JobFilter::new(), None, 10).await.unwrap().len(), 1);
    let run = f.take_one().await;
    assert_eq!((run.attempt, run.failures, run.losses), (3, 0, 0));
    assert!(f.end(succeeded(&run)).await);
    let attempts = f.attempts(run.id).await.unwrap();
    assert_eq!(attempts.iter().map(|one| one.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(f.retry(crate::JobId::generate(), None).await.unwrap(), None);
}

pub(super) async fn a_job_whose_key_was_taken_meanwhile_stays_ended(f: Fixture) {
    f.put(vec![keyed(1, "k", UniqueUntil::End)]).await;
    let run = f.take_one().await;
    assert!(f.end(died(&run)).await);
    let holder = f.put(vec![keyed(2, "k", UniqueUntil::End)]).await[0].id();
    assert_eq!(f.retry(run.id, None).await.unwrap(), Some(RetryAnswer::KeyHeld(holder)));
    assert_eq!(f.state(run.id).await, Some(JobState::Dead));
}

pub(super) async fn what_is_worth_nothing_any_more_expires(f: Fixture) {
    let short = |n| {
        changed(n, |request| {
            request.expires_in = Some(SECOND * 10);
            request.unique = Some((format!("k{n}"), UniqueUntil::End));
        })
    };
    f.put(vec![short(1), new(2)]).await;
    assert_eq!(f.expire(10).await.unwrap(), 0);
    f.move_clock(SECOND * 11).await.unwrap();
    assert_eq!(f.expire(10).await.unwrap(), 1);
    let expired = f.list(JobFilter::new().state(JobState::Expired), None, 10).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert!(f.put(vec![short(1)]).await[0].is_new(), "its key is free");
    f.move_clock(SECOND * 11).await.unwrap();
    let runs = f.take(10).await;
    let flags: BTreeMap<_, _> = runs.iter().map(|run| (number(run), run.expired)).collect();
    assert_eq!(flags, BTreeMap::from([(1, true), (2, false)]), "a claim tells when it is too late");
}

pub(super) async fn workers_see_each_others_heartbeats_and_holds(f: Fixture) {
    let (me, other, gone) = (worker(), worker(), worker());
    let mut mine = f.life(worker_row(me, SECOND * 600), None).unwrap();
    let mut theirs = f.life(worker_row(other, SECOND * 30), None).unwrap();
    assert!(mine.beat().await.unwrap().others.is_empty());
    theirs.beat().await.unwrap();
    f.put((1..=2).map(new).collect()).await;
    for id in [other, gone] {
        assert_eq!(f.claim(Claim { worker: id, ..claim(1) }).await.unwrap().len(), 1);
    }
    let pulse = mine.beat().await.unwrap();
    let see = |pulse: &Pulse, id| pulse.others.iter().find(|sign| sign.worker == id).cloned();
    assert!(!pulse.forgotten);
    let sign = see(&pulse, other).unwrap();
    assert_eq!((sign.hold, sign.busy, sign.lease), (Hold::Held, true, SECOND * 30));
    assert!(sign.silent.is_some_and(|silent| silent < SECOND * 20), "{sign:?}");
    let sign = see(&pulse, gone).unwrap();
    assert_eq!((sign.beat, sign.silent, sign.hold, sign.busy), (None, None, Hold::Free, true), "it has no row");
    // What ends without a farewell lets go at once.
    drop(theirs);
    let start = std::time::Instant::now();
    while see(&mine.beat().await.unwrap(), other).unwrap().hold != Hold::Free {
        assert!(start.elapsed() < SECOND * 30, "a dead worker holds on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    f.move_clock(SECOND).await.unwrap();
    assert_eq!(f.forget_workers(vec![other]).await.unwrap(), 0, "it holds a run still");
    let lost = f.lost_runs(other, 10).await.unwrap();
    assert_eq!(lost.iter().map(number).collect::<Vec<_>>(), [1]);
    for run in lost {
        let end = waits(&run, record(AttemptStatus::Lost), again(&run, JobState::Ready, Duration::ZERO));
        assert!(f.end(end).await);
    }
    assert_eq!(f.forget_workers(vec![other]).await.unwrap(), 1);
    assert_eq!(see(&mine.beat().await.unwrap(), other), None);
}

pub(super) async fn a_worker_that_was_forgotten_signs_on_again(f: Fixture) {
    let me = worker();
    let mut life = f.life(worker_row(me, SECOND * 30), None).unwrap();
    life.beat().await.unwrap();
    let alive = || async { f.live_workers().await.unwrap().iter().map(|one| one.id).collect::<Vec<_>>() };
    assert_eq!(alive().await, [me]);
    f.move_clock(SECOND).await.unwrap();
    assert_eq!(f.forget_workers(vec![me]).await.unwrap(), 1);
    assert!(alive().await.is_empty());
    assert!(life.beat().await.unwrap().forgotten);
    assert!(!life.beat().await.unwrap().forgotten);
    assert_eq!(alive().await, [me]);
    f.move_clock(SECOND * 31).await.unwrap();
    assert!(alive().await.is_empty(), "past its lease");
    life.leave().await.unwrap();
    assert!(f.live_workers().await.unwrap().is_empty());
}

pub(super) async fn a_worker_is_told_of_cancellations_and_of_runs_it_lost(f: Fixture) {
    let me = worker();
    f.put((1..=3).map(new).collect()).await;
    let runs = f.claim(Claim { worker: me, ..claim(3) }).await.unwrap();
    let tokens: Vec<_> = runs.iter().map(|run| run.token).collect();
    assert!(f.notices(me, tokens.clone()).await.unwrap().is_empty());
    f.cancel(runs[1].id, String::new(), true).await.unwrap();
    assert!(f.end(succeeded(&runs[2])).await);
    let mut notices = f.notices(me, tokens.clone()).await.unwrap();
    notices.sort_by_key(|notice| notice.token);
    assert_eq!(
        notices,
        [
            Notice { token: tokens[1], reason: CancelReason::Cancelled },
            Notice { token: tokens[2], reason: CancelReason::TakenOver }
        ]
    );
}

pub(super) async fn lists_and_counts_take_the_filter(f: Fixture) {
    f.put(vec![
        new(1),
        changed(2, |request| request.queue = "mail".into()),
        changed(3, |request| request.job = "other".into()),
        keyed(4, "k", UniqueUntil::End),
        changed(5, |request| request.due = Due::In(DAY)),
    ])
    .await;
    let count = |filter: JobFilter| async {
        let listed = f.list(filter.clone(), None, 100).await.unwrap().len() as u64;
        let counted: u64 = f.stats(filter).await.unwrap().iter().map(|line| line.count).sum();
        assert_eq!(listed, counted);
        listed
    };
    assert_eq!(count(JobFilter::new()).await, 5);
    assert_eq!(count(JobFilter::new().queue("mail")).await, 1);
    assert_eq!(count(JobFilter::new().job("other").job("sample")).await, 5);
    assert_eq!(count(JobFilter::new().state(JobState::Scheduled)).await, 1);
    assert_eq!(count(JobFilter::new().unique_key("k")).await, 1);
    assert_eq!(count(JobFilter::new().state(JobState::Dead)).await, 0);
    let first = f.list(JobFilter::new(), None, 3).await.unwrap();
    let rest = f.list(JobFilter::new(), Some(first[2].id), 100).await.unwrap();
    assert_eq!(rest.len(), 2);
    assert!(first.iter().chain(&rest).is_sorted_by(|a, b| a.id > b.id), "newest first, none twice");
    let ready = f.stats(JobFilter::new().state(JobState::Ready).queue("mail")).await.unwrap();
    assert!(ready[0].oldest_due.is_some());
}

pub(super) async fn what_ended_is_summed_up_once(f: Fixture) {
    f.put((1..=6).map(new).collect()).await;
    assert!(!f.roll_up().await.unwrap(), "nothing has ended");
    let runs = f.claim(claim(6)).await.unwrap();
    let retried = waits(&runs[2], record(AttemptStatus::Errored), again(&runs[2], JobState::Retrying, DAY));
    f.finish([succeeded(&runs[0]), died(&runs[1]), retried, succeeded(&runs[3])].into()).await.unwrap();
    assert!(!f.roll_up().await.unwrap(), "what has just ended may have company that is not committed yet");
    f.move_clock(Duration::from_secs(20)).await.unwrap();
    assert!(f.roll_up().await.unwrap());
    assert!(!f.roll_up().await.unwrap());
    f.finish([succeeded(&runs[4])].into()).await.unwrap();
    f.move_clock(Duration::from_secs(20)).await.unwrap();
    assert!(f.roll_up().await.unwrap());

    let count = |rates: &[Rate], kind: RateKind| -> u64 {
        rates.iter().filter(|rate| rate.kind == kind).map(|rate| rate.count).sum()
    };
    let kinds = [(RateKind::Succeeded, 3), (RateKind::Dead, 1), (RateKind::Failed, 1), (RateKind::Wait, 5)];
    let check = |rates: &[Rate]| {
        for (kind, expected) in kinds.clone() {
            assert_eq!(count(rates, kind.clone()), expected, "{kind:?}");
        }
    };
    check(&f.rates(RateQuery::last(3_600)).await.unwrap());
    let steps = f.rates(RateQuery::last(3_600).step(60)).await.unwrap();
    check(&steps);
    assert!(steps.iter().all(|rate| rate.at > 0 && rate.at % 60 == 0 && rate.job.is_empty()));
    let named = f.rates(RateQuery::last(3_600).by_name()).await.unwrap();
    check(&named);
    assert!(named.iter().all(|rate| rate.job == "sample" && rate.queue == "default"));
    let mut other = RateQuery::last(3_600);
    other.job = Some("other".to_owned());
    assert!(f.rates(other).await.unwrap().is_empty());

    check(&f.totals().await.unwrap());
    assert!(f.totals().await.unwrap().iter().all(|rate| rate.at == 0 && rate.job == "sample"));

    // Minutes become hours and lose nothing; what is older than five weeks goes.
    f.move_clock(DAY * 2).await.unwrap();
    f.fold_rates().await.unwrap();
    let folded = f.rates(RateQuery::last(3 * 86_400).step(60)).await.unwrap();
    check(&folded);
    assert!(folded.iter().all(|rate| rate.at % 3_600 == 0));
    f.move_clock(DAY * 40).await.unwrap();
    f.fold_rates().await.unwrap();
    f.move_clock(Duration::ZERO).await.unwrap();
    assert!(f.rates(RateQuery { seconds: 90 * 86_400, ..RateQuery::default() }).await.unwrap().is_empty());
    check(&f.totals().await.unwrap());
}

pub(super) async fn pages_see_workers_depths_and_changes(f: Fixture) {
    let row = worker_row(worker(), SECOND * 60);
    let mut life = f.life(row.clone(), None).unwrap();
    life.beat().await.unwrap();
    f.put(vec![new(1), new(2), changed(3, |request| request.priority = 9)]).await;
    f.put(vec![changed(4, |request| request.queue = "mail".into()), changed(5, |request| request.due = Due::In(DAY))])
        .await;
    let listed = f.list(JobFilter::new(), None, 9).await.unwrap();
    let id = |n: usize| listed[listed.len() - n].id;
    assert_eq!(f.ahead(id(2)).await.unwrap(), Some(2), "one that was first and one that is more urgent");
    assert_eq!(f.ahead(id(4)).await.unwrap(), Some(0));
    f.claim(Claim { worker: row.id, ..claim(1) }).await.unwrap();

    let depths = f.depths().await.unwrap();
    let count = |queue: &str, state| {
        depths.iter().find(|depth| depth.queue == queue && depth.state == state).map(|depth| depth.count)
    };
    assert_eq!(count("default", JobState::Ready), Some(2));
    assert_eq!(count("default", JobState::Running), Some(1));
    assert_eq!(count("default", JobState::Scheduled), Some(1));
    assert_eq!(count("mail", JobState::Ready), Some(1));
    assert_eq!(depths.len(), 4);

    let workers = f.workers().await.unwrap();
    assert_eq!((workers.len(), workers[0].id, workers[0].running, workers[0].alive), (1, row.id, 1, true));
    f.move_clock(DAY).await.unwrap();
    assert!(!f.workers().await.unwrap()[0].alive);

    for n in 1..=3 {
        f.note_change((format!("p{n}"), "cancel".to_owned()), "state:ready".to_owned(), n, None).await.unwrap();
    }
    let page = f.audits(None, 2).await.unwrap();
    assert_eq!(page.iter().map(|row| row.count).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(f.audits(Some(page[1].seq), 9).await.unwrap()[0].actor, "p1");
    assert!((f.now().await.unwrap() - page[0].at).num_seconds() < 3_600);
}

pub(super) async fn a_purge_takes_waiting_jobs_and_their_keys(f: Fixture) {
    f.put(vec![keyed(1, "k", UniqueUntil::End), new(2), changed(3, |request| request.queue = "mail".into())]).await;
    assert_eq!(
        f.purge(JobFilter::new().queue("default"), String::new(), None, 1).await.unwrap().count,
        1,
        "a bounded piece"
    );
    assert_eq!(f.purge(JobFilter::new().queue("default"), String::new(), None, 10).await.unwrap().count, 1);
    assert!(f.put(vec![keyed(4, "k", UniqueUntil::End)]).await[0].is_new());
    let run = f.take(10).await;
    assert_eq!(run.len(), 2);
    assert_eq!(f.purge(JobFilter::new(), String::new(), None, 10).await.unwrap().count, 0, "what runs is not touched");
}

pub(super) async fn results_are_kept_for_their_retention(f: Fixture) {
    f.put((1..=4).map(new).collect()).await;
    let runs = f.take(4).await;
    f.finish([succeeded(&runs[0]), died(&runs[1])].into()).await.unwrap();
    // One failed and waits: its attempt belongs to a job that is not over.
    let waiting = waits(&runs[2], record(AttemptStatus::Errored), again(&runs[2], JobState::Retrying, DAY * 300));
    assert!(f.end(waiting).await);
    f.maintain().await.unwrap();
    let prune = || async { f.prune(Retention::default(), 1).await.unwrap() };
    f.move_clock(DAY * 6).await.unwrap();
    assert_eq!(prune().await, 0);
    f.move_clock(DAY * 2).await.unwrap();
    while prune().await > 0 {}
    assert_eq!(f.state(runs[0].id).await, None);
    assert_eq!(f.state(runs[1].id).await, Some(JobState::Dead));
    f.maintain().await.unwrap();
    f.move_clock(DAY * 30).await.unwrap();
    while prune().await > 0 {}
    assert_eq!(f.state(runs[1].id).await, None);
    assert_eq!(f.state(runs[2].id).await, Some(JobState::Retrying));
    assert_eq!(f.state(runs[3].id).await, Some(JobState::Running));
    assert!(f.end(succeeded(&runs[3])).await, "and the day of today has its place");
}

pub(super) async fn a_drain_waits_for_what_is_due_and_what_dead_workers_hold(f: Fixture) {
    let (me, other) = (worker(), worker());
    let mut mine = f.life(worker_row(me, SECOND * 600), None).unwrap();
    mine.beat().await.unwrap();
    let mut theirs = f.life(worker_row(other, SECOND * 30), None).unwrap();
    theirs.beat().await.unwrap();
    let left = |queues: Option<Vec<String>>| async { f.undrained(me, queues, vec!["sample".into()]).await.unwrap() };
    let mail = || Some(vec!["mail".to_owned()]);
    f.put(vec![
        changed(1, |request| request.due = Due::In(SECOND * 20)),
        changed(2, |request| request.job = "unknown".into()),
    ])
    .await;
    assert!(!left(None).await, "what is due later or known to nobody is not waited for");
    f.put(vec![new(3)]).await;
    assert!(left(None).await);
    assert!(!left(mail()).await);
    let claim = |worker| Claim { worker, only: Some(vec!["sample".into()]), ..claim(1) };
    let mine = f.claim(claim(me)).await.unwrap();
    assert!(left(None).await, "a run of its own counts");
    assert!(f.end(succeeded(&mine[0])).await);
    assert!(!left(None).await);
    f.put(vec![changed(4, |request| request.queue = "mail".into())]).await;
    assert!(left(mail()).await);
    f.claim(claim(other)).await.unwrap();
    assert!(!left(mail()).await, "a run of another worker that lives does not count");
    f.move_clock(SECOND * 31).await.unwrap();
    assert!(left(mail()).await, "but one of a dead worker does");
    assert!(left(Some(vec!["default".into()])).await, "and so does what became due");
}

pub(super) async fn ten_migrations_at_once_all_succeed(f: Fixture) {
    let all: Vec<_> = (0..10)
        .map(|_| {
            let store = Arc::clone(&f.store);
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap().unwrap(), [] as [&str; 0], "the fixture has created the tables");
    }
}

pub(super) async fn strange_texts_are_stored(f: Fixture) {
    let text = "it said: \\0 \u{1b}[31m \u{202e} 🦀 \u{feff}\r\n'\";--";
    f.put(vec![changed(1, |request| {
        request.queue = Cow::Borrowed("ä ' \" {schema} {now}");
        request.unique = Some((text.to_owned(), UniqueUntil::End));
        request.source = Some(text.to_owned());
    })])
    .await;
    let run = f.take_one().await;
    let odd = Some(Record { error: Some(text.to_owned()), ..record(AttemptStatus::Errored).unwrap() });
    assert!(f.end(Finish { record: odd, ..died(&run) }).await);
    let row = f.job(run.id).await.unwrap().unwrap();
    assert_eq!(row.error.as_deref(), Some(text));
    assert_eq!(row.unique_key.as_deref(), Some(text));
    assert_eq!(row.queue, "ä ' \" {schema} {now}");
    assert!(f.put(vec![keyed(2, text, UniqueUntil::End)]).await[0].is_new());
}

fn of(n: i64, job: &str, queue: &str) -> NewRequest {
    changed(n, |request| {
        request.job = Cow::Owned(job.to_owned());
        request.queue = Cow::Owned(queue.to_owned());
    })
}

pub(super) async fn what_is_paused_is_not_claimed(f: Fixture) {
    let pause = |target: PauseTarget| async { f.pause(target, "anna".into()).await.unwrap() };
    let resume = |target: PauseTarget| async { f.resume(target, "ben".into()).await.unwrap() };
    f.put(vec![of(1, "a", "x"), of(2, "b", "x"), of(3, "a", "y"), of(4, "b", "y")]).await;
    let left = || async {
        let due = f.undrained(worker(), None, vec!["a".into(), "b".into()]).await.unwrap();
        let runs = f.take(10).await;
        for run in &runs {
            assert!(f.end(waits(run, None, Again { attempt: 0, ..again(run, JobState::Ready, Duration::ZERO) })).await);
        }
        assert_eq!(due, !runs.is_empty(), "a drain does not wait for what is paused");
        runs.iter().map(number).collect::<Vec<_>>()
    };
    assert!(pause(PauseTarget::queue("x")).await);
    assert!(!f.pause(PauseTarget::queue("x"), "ben".into()).await.unwrap(), "it is paused already");
    assert_eq!(left().await, [3, 4]);
    assert!(pause(PauseTarget::job("a")).await);
    assert_eq!(left().await, [4]);
    f.move_clock(SECOND).await.unwrap();
    assert!(pause(PauseTarget::Everything).await);
    assert_eq!(left().await, [] as [i64; 0]);

    let pauses = f.pauses().await.unwrap();
    let shown: Vec<_> = pauses.iter().map(|pause| (pause.target.to_string(), pause.by.as_str())).collect();
    let words = |text: &str| (text.to_owned(), "anna");
    assert_eq!(shown[2], words("*"), "the latest comes last");
    assert!(shown.contains(&words("queue:x")) && shown.contains(&words("job:a")) && shown.len() == 3);
    assert!(pauses[0].at < pauses[2].at);

    assert!(!resume(PauseTarget::queue("a")).await, "a job is not a queue");
    assert!(resume(PauseTarget::queue("x")).await);
    assert_eq!(left().await, [] as [i64; 0], "everything is paused apart");
    assert!(resume(PauseTarget::Everything).await);
    assert!(!resume(PauseTarget::Everything).await);
    assert_eq!(left().await, [2, 4], "and so is a job");
    assert!(resume(PauseTarget::job("a")).await);
    assert_eq!(left().await, [1, 2, 3, 4]);
    assert_eq!(f.pauses().await.unwrap(), []);
}

pub(super) async fn a_worker_that_is_paused_claims_nothing(f: Fixture) {
    f.put(vec![new(1)]).await;
    let (held, free) = (worker(), worker());
    let mut life = f.life(worker_row(held, SECOND * 600), None).unwrap();
    life.beat().await.unwrap();
    let target = PauseTarget::Worker(held.to_string());
    assert!(f.pause(target.clone(), String::new()).await.unwrap());
    assert!(f.pause(PauseTarget::Worker(free.to_string()), String::new()).await.unwrap());
    let shown = f.pauses().await.unwrap();
    assert_eq!(shown.iter().map(|pause| &pause.target).collect::<Vec<_>>(), [&target], "one that is gone is not shown");
    assert!(f.resume(PauseTarget::Worker(free.to_string()), String::new()).await.unwrap());
    assert_eq!(f.claim(Claim { worker: held, ..claim(1) }).await.unwrap().len(), 0);
    let run = f.claim(Claim { worker: free, ..claim(1) }).await.unwrap().remove(0);
    assert!(f.end(waits(&run, None, again(&run, JobState::Ready, Duration::ZERO))).await);
    assert!(f.resume(PauseTarget::Everything, String::new()).await.unwrap(), "resuming everything resumes workers");
    assert_eq!(f.claim(Claim { worker: held, ..claim(1) }).await.unwrap().len(), 1);
}

pub(super) async fn one_order_goes_through_many_jobs_and_queues(f: Fixture) {
    // 60 pairs, more than a small claim looks deep into; most rows are of one pair, and priorities are mixed.
    let requests: Vec<_> = (0..900)
        .map(|n| {
            let pair = if n % 3 == 0 { n % 60 } else { 7 };
            changed(n, |request| {
                request.job = Cow::Owned(format!("job{}", pair % 12));
                request.queue = Cow::Owned(format!("queue{}", pair / 12));
                request.priority = i16::try_from(n * 37 % 5).expect("small") - 2;
            })
        })
        .collect();
    let mut expected: Vec<_> =
        requests.iter().map(|request| (std::cmp::Reverse(request.priority), request.id)).collect();
    f.put(requests).await;
    // Ids are made in the order of the numbers.
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    let mut order = Vec::new();
    for limit in [1, 2, 5, 17, 40, 100].into_iter().cycle() {
        let runs = f.take(limit).await;
        if runs.is_empty() {
            break;
        }
        assert!(runs.len() <= limit as usize);
        order.extend(runs.iter().map(|run| run.id));
    }
    assert_eq!(order, expected);
}

pub(super) async fn a_claim_steps_over_paused_and_unknown_jobs(f: Fixture) {
    let many: Vec<_> = (0..20_000).map(|n| of(n, if n % 2 == 0 { "paused" } else { "unknown" }, "default")).collect();
    f.insert_all(Box::new(many.into_iter().map(Ok))).await.unwrap();
    f.put(vec![new(-1)]).await;
    assert!(f.pause(PauseTarget::job("paused"), String::new()).await.unwrap());
    let known = Claim { except: vec![("unknown".into(), String::new())], ..claim(10) };
    let runs = f.claim(known.clone()).await.unwrap();
    assert_eq!(runs.iter().map(number).collect::<Vec<_>>(), [-1]);
    assert_eq!(f.claim(known).await.unwrap().len(), 0);
}

pub(super) async fn each_state_is_kept_for_its_own_time(f: Fixture) {
    f.put(vec![new(1), new(2), new(3), changed(4, |request| request.expires_in = Some(SECOND))]).await;
    let runs = f.take(3).await;
    f.end(waits(&runs[1], record(AttemptStatus::Errored), again(&runs[1], JobState::Retrying, SECOND))).await;
    f.finish([succeeded(&runs[0])].into()).await.unwrap();
    f.end(ended(&runs[2], AttemptStatus::Cancelled, JobState::Cancelled)).await;
    f.move_clock(SECOND * 2).await.unwrap();
    assert_eq!(f.expire(10).await.unwrap(), 1);
    f.promote(10, false).await.unwrap();
    let again = f.take_one().await;
    assert_eq!(number(&again), 2);
    f.end(Finish { failures: 2, ..died(&again) }).await;
    assert_eq!(f.attempts(again.id).await.unwrap().len(), 2);
    f.pause(PauseTarget::queue("x"), "anna".into()).await.unwrap();

    let retention = Retention::parse(["1d", "cancelled=2d", "dead=3d", "expired=forever", "audit=4d"]).unwrap();
    let mut states = Vec::new();
    for _ in 0..5 {
        f.maintain().await.unwrap();
        let mut pruned = 0;
        loop {
            match f.prune(retention, 1).await.unwrap() {
                0 => break,
                some => pruned += some,
            }
        }
        let left: Vec<_> = f.list(JobFilter::new(), None, 10).await.unwrap().iter().map(|row| row.state).collect();
        states.push((left.len(), pruned));
        f.move_clock(DAY).await.unwrap();
    }
    assert_eq!(states.iter().map(|(left, _)| *left).collect::<Vec<_>>(), [4, 3, 2, 1, 1]);
    assert!(states[4].1 > 0, "the audit goes last");
    assert_eq!(f.attempts(again.id).await.unwrap().len(), 0, "an attempt goes with its job");
    let left = f.list(JobFilter::new(), None, 10).await.unwrap();
    assert_eq!(left[0].state, JobState::Expired);
}

pub(super) async fn attempts_that_belong_to_no_job_any_more_go_last(f: Fixture) {
    f.put(vec![new(1)]).await;
    let run = f.take_one().await;
    f.end(waits(&run, record(AttemptStatus::Errored), again(&run, JobState::Retrying, DAY * 90))).await;
    f.move_clock(DAY * 40).await.unwrap();
    assert_eq!(f.prune(Retention::default(), 10).await.unwrap(), 0, "its job waits");
    assert_eq!(f.purge(JobFilter::new(), String::new(), None, 10).await.unwrap().count, 1);
    assert_eq!(f.prune(Retention::parse(["forever"]).unwrap(), 10).await.unwrap(), 0);
    assert!(f.prune(Retention::default(), 10).await.unwrap() > 0);
    assert_eq!(f.attempts(run.id).await.unwrap().len(), 0);
}

pub(super) async fn a_change_is_noted_with_it(f: Fixture) {
    f.put((0..7).map(new).collect()).await;
    f.put(vec![of(8, "other", "mail")]).await;
    let run = f.take_one().await;
    let waiting = f.list(JobFilter::new().job("other"), None, 1).await.unwrap().remove(0);
    let by = || "anna".to_owned();
    f.pause(PauseTarget::queue("mail"), by()).await.unwrap();
    f.pause(PauseTarget::queue("mail"), by()).await.unwrap();
    f.resume(PauseTarget::queue("mail"), "ben".into()).await.unwrap();
    f.resume(PauseTarget::queue("mail"), "ben".into()).await.unwrap();
    f.cancel(run.id, by(), true).await.unwrap();
    f.cancel(waiting.id, String::new(), true).await.unwrap();
    f.cancel(waiting.id, by(), true).await.unwrap();
    let filter = JobFilter::new().queue("default").state(JobState::Ready);
    let mut noted = None;
    while let purged = f.purge(filter.clone(), by(), noted, 4).await.unwrap()
        && purged.count > 0
    {
        noted = purged.noted;
    }
    let rows = f.audits(None, 10).await.unwrap();
    let shown: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| format!("{} {} {} {}", row.actor, row.action, row.target.as_deref().unwrap_or_default(), row.count))
        .collect();
    let expected = [
        "anna pause queue:mail 1".to_owned(),
        "ben resume queue:mail 1".to_owned(),
        format!("anna cancel {} 1", run.id),
        format!(" cancel {} 1", waiting.id),
        "anna purge state=ready queue=default 6".to_owned(),
    ];
    assert_eq!(shown, expected, "what changed nothing is not noted");
    let page = f.audits(Some(rows[1].seq), 2).await.unwrap();
    assert_eq!(page.iter().map(|row| row.seq).collect::<Vec<_>>(), [rows[2].seq, rows[3].seq]);
}
