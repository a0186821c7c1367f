//! One suite over every store: a test named `store::conformance::<store>::<case>` for each pair.
//!
//! Postgres is reached through `PLAIN_WORKER_TEST_POSTGRES`, which `tests/run`
//! sets; its tests are listed as ignored elsewhere, and fail where they are
//! asked for without it.

mod cases;
mod changes;
mod schedules;

use std::sync::Arc;
use std::time::Duration;

use super::{Clock, Store};
use crate::job::Job;
use crate::queue::request;
use crate::record::{Claim, Finish, NewRequest, Run, Trail, WorkerId, WorkerRow};
use crate::store::QueueOptions;

/// A store of its own for one test, with a clock that can be moved.
struct Fixture {
    store: Arc<dyn Store>,
    #[cfg(feature = "sqlite")]
    _folder: Option<tempfile::TempDir>,
}

impl std::ops::Deref for Fixture {
    type Target = Arc<dyn Store>;

    fn deref(&self) -> &Arc<dyn Store> {
        &self.store
    }
}

fn options() -> QueueOptions {
    QueueOptions::new().clock(Clock::Movable)
}

#[cfg(feature = "sqlite")]
async fn sqlite() -> Fixture {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("jobs.db").display());
    let store = super::sqlite::SqliteStore::connect(&url, &options()).await.expect("a SQLite file");
    store.migrate().await.expect("tables");
    Fixture { store: Arc::new(store), _folder: Some(folder) }
}

#[cfg(feature = "postgres")]
async fn postgres() -> Fixture {
    let url = std::env::var("PLAIN_WORKER_TEST_POSTGRES").expect("PLAIN_WORKER_TEST_POSTGRES: run tests/run");
    let schema = format!("c{}", uuid::Uuid::now_v7().simple());
    let options = options().schema(schema).pool_size(20);
    let store = super::postgres::PostgresStore::connect(&url, &options).await.expect("Postgres");
    store.migrate().await.expect("tables");
    Fixture {
        store: Arc::new(store),
        #[cfg(feature = "sqlite")]
        _folder: None,
    }
}

macro_rules! for_every_store {
    ($($case:ident),+ $(,)?) => {
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::cases::$case(super::sqlite().await).await;
            })+
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs Postgres: run tests/run"]
            async fn $case() {
                super::cases::$case(super::postgres().await).await;
            })+
        }
    };
}

for_every_store! {
    jobs_are_claimed_by_priority_then_due_time_then_order_of_enqueue,
    no_job_is_claimed_twice,
    a_claim_is_of_the_named_queues_and_jobs_only,
    a_delayed_job_is_claimed_when_its_time_has_come,
    an_end_is_recorded_once_and_only_by_who_holds_the_run,
    a_run_token_is_never_used_again,
    a_retry_is_written_with_its_failure,
    a_hand_back_leaves_no_trace,
    sixteen_enqueues_with_one_key_leave_one_job,
    a_key_is_free_when_its_job_has_ended,
    a_key_until_start_is_free_when_its_job_starts,
    one_batch_may_name_a_key_twice,
    many_bulk_enqueues_of_the_same_keys_do_not_block_each_other,
    an_enqueue_that_is_repeated_stores_nothing_twice,
    an_iterator_that_fails_stores_nothing,
    many_jobs_go_in_as_one,
    arguments_come_back_as_they_went,
    a_parked_job_waits_for_who_can_run_it,
    stored_requests_of_every_state_are_read_in_order,
    a_job_can_be_cancelled_wherever_it_stands,
    a_dead_job_can_run_again,
    a_job_whose_key_was_taken_meanwhile_stays_ended,
    what_is_worth_nothing_any_more_expires,
    workers_see_each_others_heartbeats_and_holds,
    a_worker_that_was_forgotten_signs_on_again,
    a_worker_is_told_of_cancellations_and_of_runs_it_lost,
    lists_and_counts_take_the_filter,
    what_ended_is_summed_up_once,
    pages_see_workers_depths_and_changes,
    a_job_is_deleted_with_its_key_and_its_history,
    a_waiting_job_can_be_moved,
    progress_is_that_of_the_run_that_is_held,
    logs_are_kept_as_long_as_their_job,
    a_purge_takes_waiting_jobs_and_their_keys,
    results_are_kept_for_their_retention,
    each_state_is_kept_for_its_own_time,
    attempts_that_belong_to_no_job_any_more_go_last,
    a_drain_waits_for_what_is_due_and_what_dead_workers_hold,
    ten_migrations_at_once_all_succeed,
    strange_texts_are_stored,
    first_sight_of_a_schedule_runs_nothing,
    new_times_of_a_schedule_begin_now,
    a_slot_is_settled_once,
    a_slot_is_settled_no_sooner_than_the_databases_clock_says,
    a_step_by_another_definition_is_void,
    a_slot_and_its_request_go_in_together,
    a_slot_is_skipped_while_the_run_before_it_goes_on,
    slots_wait_for_the_run_before_them,
    slots_may_run_beside_each_other,
    a_slot_whose_unique_key_is_held_is_passed_over,
    a_paused_schedule_settles_nothing,
    a_run_by_hand_is_made_once,
    a_schedule_can_be_added_changed_and_removed,
    the_latest_runs_of_schedules_are_read,
    lists_go_both_ways,
    a_job_can_run_again_with_other_arguments,
    what_is_paused_is_not_claimed,
    a_change_is_noted_with_it,
    a_worker_that_is_paused_claims_nothing,
    one_order_goes_through_many_jobs_and_queues,
    a_claim_steps_over_paused_and_unknown_jobs,
}

/// A job for the suite; the store never runs it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Sample {
    n: i64,
}

impl Job for Sample {
    type Output = ();
    const DEFINITION: &'static crate::JobDef = &crate::JobDef::new("sample", |_| Ok(()), |_, _| unreachable!());
}

fn new(n: i64) -> NewRequest {
    request(Sample::DEFINITION, format!(r#"{{"n":{n}}}"#), None)
}

fn changed(n: i64, change: impl FnOnce(&mut NewRequest)) -> NewRequest {
    let mut request = new(n);
    change(&mut request);
    request
}

fn worker() -> WorkerId {
    uuid::Uuid::now_v7()
}

fn worker_row(id: WorkerId, lease: Duration) -> WorkerRow {
    WorkerRow {
        id,
        host: "here".to_owned(),
        pid: 1,
        version: "1".to_owned(),
        build: "b".to_owned(),
        queues: None,
        knows: std::collections::BTreeMap::from([("sample".to_owned(), "s".to_owned())]),
        schedules: std::collections::BTreeMap::new(),
        concurrency: 1,
        lease,
    }
}

fn claim(limit: u32) -> Claim {
    Claim {
        worker: worker(),
        build: "b1".to_owned(),
        queues: None,
        except_queues: Vec::new(),
        only: None,
        except: Vec::new(),
        limit,
        trail: Trail::default(),
    }
}

/// The number in a run's arguments.
fn number(run: &Run) -> i64 {
    let value: serde_json::Value = serde_json::from_str(&run.arguments).expect("JSON");
    value["n"].as_i64().expect("a number")
}

impl Fixture {
    async fn put(&self, requests: Vec<NewRequest>) -> Vec<crate::Inserted> {
        self.insert(requests.into(), false).await.expect("insert")
    }

    async fn take(&self, limit: u32) -> Vec<Run> {
        self.claim(claim(limit)).await.expect("claim")
    }

    async fn take_one(&self) -> Run {
        let mut runs = self.take(1).await;
        assert_eq!(runs.len(), 1, "one job is ready");
        runs.remove(0)
    }

    async fn end(&self, end: Finish) -> bool {
        !self.finish([end].into()).await.expect("finish").is_empty()
    }

    async fn state(&self, id: crate::JobId) -> Option<crate::JobState> {
        self.job(id).await.expect("job").map(|row| row.state)
    }
}
