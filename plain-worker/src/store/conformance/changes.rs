//! What every store promises about jobs that people change.

use std::borrow::Cow;
use std::time::Duration;

use super::{Fixture, changed, new, number};
use crate::change::JobChange;
use crate::record::{Due, JobFilter, JobId, RetryAnswer};
use crate::status::JobState;

const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) async fn a_waiting_job_can_be_changed(f: Fixture) {
    let ids = f.put(vec![new(1), changed(2, |request| request.due = Due::In(HOUR * 5)), new(3)]).await;
    let [ready, later, third] = [ids[0].id(), ids[1].id(), ids[2].id()];
    let change = |id: JobId, change: JobChange| f.change(id, change);

    assert_eq!(change(third, JobChange::new().priority(-7).queue("mail")).await.unwrap(), Some(true));
    let row = f.job(third).await.unwrap().unwrap();
    assert_eq!((row.priority, row.queue.as_str(), row.state), (-7, "mail", JobState::Ready), "the time stays");
    assert_eq!(change(ready, JobChange::new().delay(HOUR)).await.unwrap(), Some(true));
    assert_eq!(f.state(ready).await, Some(JobState::Scheduled));
    assert_eq!(change(later, JobChange::new().run_now()).await.unwrap(), Some(true));
    assert_eq!(f.state(later).await, Some(JobState::Ready));
    let runs = f.take(9).await;
    assert_eq!(runs.iter().map(number).collect::<Vec<_>>(), [2, 3], "by the priority");

    let now = f.now().await.unwrap();
    assert_eq!(change(ready, JobChange::new().run_at(now + HOUR * 2)).await.unwrap(), Some(true));
    assert_eq!(f.state(ready).await, Some(JobState::Scheduled));
    assert_eq!(change(ready, JobChange::new().run_at(now - HOUR)).await.unwrap(), Some(true));
    assert_eq!(f.state(ready).await, Some(JobState::Ready));

    assert_eq!(change(later, JobChange::new().priority(1)).await.unwrap(), Some(false), "it runs");
    assert!(f.end(super::cases::succeeded(&runs[0])).await);
    assert_eq!(change(later, JobChange::new().priority(1)).await.unwrap(), Some(false), "it has ended");
    assert_eq!(change(JobId::generate(), JobChange::new()).await.unwrap(), None);

    let order = |filter: JobFilter| async { f.list(filter, None, 9).await.unwrap() };
    let (newest, oldest) = (order(JobFilter::new()).await, order(JobFilter::new().oldest_first()).await);
    let ids = |rows: &[crate::JobRow]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&newest), ids(&oldest).into_iter().rev().collect::<Vec<_>>());
    let rest = f.list(JobFilter::new().oldest_first(), Some(oldest[0].id), 9).await.unwrap();
    assert_eq!(ids(&rest), ids(&oldest[1..]));
}

pub(crate) async fn a_job_can_run_again_with_other_arguments(f: Fixture) {
    let id = f.put(vec![new(1)]).await[0].id();
    let other = |n: i64| Some((format!(r#"{{"n":{n}}}"#), Cow::Borrowed("of another shape")));
    assert_eq!(f.retry(id, other(2)).await.unwrap(), Some(RetryAnswer::Ready), "one that waits");
    let run = f.take_one().await;
    assert_eq!((number(&run), run.shape.as_str()), (2, "of another shape"));
    assert_eq!(f.retry(id, other(3)).await.unwrap(), Some(RetryAnswer::Running));
    assert!(f.end(super::cases::succeeded(&run)).await);
    assert_eq!(f.retry(id, other(3)).await.unwrap(), Some(RetryAnswer::Ready), "one that has ended");
    assert_eq!(number(&f.take_one().await), 3);
}
