use std::time::Duration;

use super::cases::{again, keyed, record, succeeded, waits};
use super::{Fixture, new};
use crate::change::Requeue;
use crate::status::{AttemptStatus, JobState, UniqueUntil};

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
