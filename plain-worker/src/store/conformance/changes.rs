use std::borrow::Cow;
use std::time::Duration;

use super::cases::{again, keyed, record, succeeded, waits};
use super::{Fixture, new, number};
use crate::change::Requeue;
use crate::record::{JobFilter, JobId, RetryAnswer, RunToken};
use crate::retention::Retention;
use crate::status::{AttemptStatus, JobState, UniqueUntil};
use crate::telling::{LogLine, Mark, NewLog, Progress};

pub(crate) async fn a_job_is_deleted_with_its_key_and_its_history(f: Fixture) {
    f.put(vec![keyed(1, "k", UniqueUntil::End)]).await;
    let run = f.take_one().await;
    assert_eq!(f.delete(run.id).await.unwrap(), Some(false), "it runs");
    let next = again(&run, JobState::Retrying, Duration::from_secs(60));
    assert!(f.end(waits(&run, record(AttemptStatus::Errored), next)).await);
    assert_eq!(f.attempts(run.id).await.unwrap().len(), 1);
    assert_eq!(f.delete(run.id).await.unwrap(), Some(true));
    assert_eq!((f.state(run.id).await, f.attempts(run.id).await.unwrap().len()), (None, 0));
    assert_eq!(f.delete(run.id).await.unwrap(), None);

    assert!(f.put(vec![keyed(2, "k", UniqueUntil::End)]).await[0].is_new(), "its key is free");
    let run = f.take_one().await;
    assert!(f.end(succeeded(&run)).await);
    assert_eq!(f.delete(run.id).await.unwrap(), Some(true));
    assert_eq!((f.state(run.id).await, f.attempts(run.id).await.unwrap().len()), (None, 0));
}

pub(crate) async fn a_waiting_job_can_be_moved(f: Fixture) {
    let id = f.put(vec![new(1)]).await[0].id();
    let to = |queue: Option<&str>, priority, due_at| Requeue { queue: queue.map(str::to_owned), priority, due_at };
    assert_eq!(f.requeue(id, to(Some("mail"), Some(7), None)).await.unwrap(), Some(true));
    let job = f.job(id).await.unwrap().unwrap();
    assert_eq!((&*job.queue, job.priority, job.state), ("mail", 7, JobState::Ready));
    let later = f.now().await.unwrap() + chrono::TimeDelta::hours(1);
    assert_eq!(f.requeue(id, to(None, None, Some(later))).await.unwrap(), Some(true));
    let job = f.job(id).await.unwrap().unwrap();
    assert_eq!((&*job.queue, job.priority, job.state), ("mail", 7, JobState::Scheduled));
    assert!((job.due_at - later).num_seconds() == 0 && f.take(1).await.is_empty());
    let past = f.now().await.unwrap() - chrono::TimeDelta::hours(1);
    assert_eq!(f.requeue(id, to(None, None, Some(past))).await.unwrap(), Some(true));
    let run = f.take_one().await;
    assert_eq!((run.id, f.requeue(id, to(Some("x"), None, None)).await.unwrap()), (id, Some(false)), "it runs");
    assert_eq!(f.requeue(crate::JobId::generate(), to(Some("x"), None, None)).await.unwrap(), None);
}

pub(crate) async fn a_job_can_run_again_with_other_arguments(f: Fixture) {
    let id = f.put(vec![new(1)]).await[0].id();
    let other = |n: i64| Some((format!(r#"{{"n":{n}}}"#), Cow::Borrowed("of another shape")));
    assert_eq!(f.retry(id, other(2)).await.unwrap(), Some(RetryAnswer::Ready), "one that waits");
    let run = f.take_one().await;
    assert_eq!((number(&run), run.shape.as_str()), (2, "of another shape"));
    assert_eq!(f.retry(id, other(3)).await.unwrap(), Some(RetryAnswer::Running));
    assert!(f.end(succeeded(&run)).await);
    assert_eq!(f.retry(id, other(3)).await.unwrap(), Some(RetryAnswer::Ready), "one that has ended");
    assert_eq!(number(&f.take_one().await), 3);
}

pub(crate) async fn lists_go_both_ways(f: Fixture) {
    f.put((1..=5).map(new).collect()).await;
    let list = |filter: JobFilter, after| {
        let rows = f.list(filter, after, 9);
        async { rows.await.unwrap().iter().map(|row| row.id).collect::<Vec<_>>() }
    };
    let newest = list(JobFilter::new(), None).await;
    let oldest = list(JobFilter::new().oldest_first(), None).await;
    assert_eq!(oldest, newest.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(list(JobFilter::new().oldest_first(), Some(oldest[1])).await, oldest[2..]);
    assert_eq!(f.points(JobFilter::new(), 3).await.unwrap().len(), 3);
}

pub(crate) async fn progress_is_that_of_the_run_that_is_held(f: Fixture) {
    f.put(vec![new(1)]).await;
    let run = f.take_one().await;
    let mark = |token, fraction, note: &str| {
        Progress::new(fraction, note.to_owned())
            .map(|progress| Mark { token, progress })
            .into_iter()
            .collect::<Vec<_>>()
    };
    let progress = async || f.job(run.id).await.unwrap().unwrap().progress;
    assert_eq!(progress().await, None);
    f.mark(mark(run.token, 0.25, "a\0b")).await.unwrap();
    let first = progress().await.unwrap();
    assert!((first.fraction - 0.25).abs() < f64::EPSILON && first.note.unwrap().starts_with('a'));
    f.mark(mark(run.token, 0.5, "")).await.unwrap();
    assert_eq!(progress().await, Progress::new(0.5, String::new()));
    f.mark(mark(run.token + 1, 0.75, "")).await.unwrap();
    assert_eq!(progress().await, Progress::new(0.5, String::new()), "another run");

    assert!(f.end(waits(&run, record(AttemptStatus::Lost), again(&run, JobState::Ready, Duration::ZERO))).await);
    f.mark(mark(run.token, 0.75, "")).await.unwrap();
    let rescued = f.take_one().await;
    assert_eq!((rescued.id, progress().await), (run.id, None), "who was rescued begins anew");
}

fn log(token: RunToken, id: JobId, told: i64, messages: &[&str]) -> Vec<NewLog> {
    let line = |message: &&str| LogLine {
        at: chrono::DateTime::UNIX_EPOCH,
        level: "INFO".to_owned(),
        target: None,
        message: (*message).to_owned(),
    };
    vec![NewLog { token, id, attempt: 1, told, lines: messages.iter().map(line).collect() }]
}

pub(crate) async fn logs_are_kept_as_long_as_their_job(f: Fixture) {
    f.put(vec![new(1), new(2)]).await;
    let (kept, gone) = (f.take_one().await, f.take_one().await);
    let hostile = "\0 \u{1b}[2J \u{2028} \"quoted\"";
    f.write_logs([log(kept.token, kept.id, 1, &["a"]), log(gone.token, gone.id, 1, &["x"])].concat()).await.unwrap();
    f.write_logs(log(kept.token, kept.id, 5, &["b", hostile])).await.unwrap();
    f.write_logs(log(kept.token, kept.id, 2, &["late"])).await.unwrap();
    let found = f.logs(kept.id).await.unwrap();
    let messages: Vec<_> = found[0].lines.iter().map(|line| &*line.message).collect();
    assert_eq!((found.len(), messages, found[0].dropped), (1, vec!["b", hostile], 3), "the newest counts");

    assert!(f.end(succeeded(&gone)).await);
    assert_eq!(f.prune(Retention::parse(["0s"]).unwrap(), 100).await.unwrap(), 2, "a result and its log");
    assert_eq!((f.logs(kept.id).await.unwrap().len(), f.logs(gone.id).await.unwrap().len()), (1, 0));
    assert!(f.end(succeeded(&kept)).await);
    assert_eq!(f.delete(kept.id).await.unwrap(), Some(true));
    assert!(f.logs(kept.id).await.unwrap().is_empty());
}
