//! What the suites share: a database of its own for each test, conditions with deadlines, and real processes.

mod database;
mod journal;
mod pooler;
mod process;
mod proxy;
mod server;
mod simulation;
mod worker_program;

use std::future::Future;
use std::time::{Duration, Instant};

pub use database::Database;
pub use journal::Journal;
pub use pooler::Pooler;
pub use process::Program;
pub use proxy::Proxy;
pub use server::Server;
pub use simulation::{Counted, Simulation, count, faketime};
pub use worker_program::{WorkerProgram, retain, run_worker};

/// How long a condition may take to come true: long, since machines are slow and shared. Nothing waits longer
/// than it must.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `look` gives a value; fails with `what` when the patience ends.
///
/// # Panics
/// When it does not come true in time.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = look().await {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same for a plain condition.
///
/// # Panics
/// When it does not come true in time.
pub async fn until_true<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    until(what, || {
        let look = look();
        async { look.await.then_some(()) }
    })
    .await;
}

/// Makes each named async function (which takes a [`Database`]) one test for each store.
///
/// Postgres is reached through `PLAIN_WORKER_TEST_POSTGRES`, which `tests/run`
/// sets; without it these tests are listed as ignored.
#[macro_export]
macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::Database::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs Postgres: run tests/run"]
            async fn $case() {
                super::$case($crate::Database::postgres().await).await;
            })+
        }
    };
}
