//! What the database and the journal say of all jobs, and how times are told.

use std::collections::BTreeMap;
use std::time::Duration;

use plain_worker_tests::{Database, until_true};

use crate::jobs::told;

/// The load of the machine.
pub(crate) fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Waits until a server that was just started is one whose sessions mean something: for 10 s nobody trusts them.
pub(crate) async fn calm(database: &Database) {
    let up = "SELECT extract(epoch FROM statement_timestamp() - pg_postmaster_start_time())";
    until_true("the server is up for a while", || async { !database.is_postgres() || database.number(up).await > 10 })
        .await;
}

/// Waits until so many jobs have ended, and says what is wrong with them: each must have succeeded, once.
pub(crate) async fn faults(database: &Database, jobs: usize) -> Vec<String> {
    let left = "SELECT (SELECT count(*) FROM {}job_requests) + (SELECT count(*) FROM {}job_processes)";
    until_true("nothing waits or runs", || async { database.number(left).await == 0 }).await;
    let mut faults = Vec::new();
    let expected = i64::try_from(jobs).expect("a count");
    let ends = database.number("SELECT count(DISTINCT id) FROM {}job_results WHERE final").await;
    if ends != expected {
        faults.push(format!("{ends} of {jobs} jobs have an end"));
    }
    let counts = [
        ("jobs with two ends", "SELECT count(*) - count(DISTINCT id) FROM {}job_results WHERE final"),
        ("runs with two results", "SELECT count(run_token) - count(DISTINCT run_token) FROM {}job_results"),
        ("jobs that failed", "SELECT count(*) FROM {}job_results WHERE final AND state <> 'succeeded'"),
        ("attempts that failed", "SELECT count(*) FROM {}job_results WHERE status = 'errored'"),
    ];
    for (what, sql) in counts {
        let count = database.number(sql).await;
        if count != 0 {
            faults.push(format!("{count} {what}"));
        }
    }
    faults
}

/// What is wrong with what the jobs themselves have told: each came to its end once.
///
/// A job whose worker is killed after its last line and before that is recorded runs again, rightly: no drill for this.
pub(crate) fn told_twice(database: &Database, jobs: usize) -> Option<String> {
    let mut ends: BTreeMap<u32, u32> = BTreeMap::new();
    for told in told(&database.journal()).iter().filter(|told| told.end) {
        *ends.entry(told.n).or_default() += 1;
    }
    let twice = ends.values().filter(|count| **count > 1).count();
    let wrong = ends.len() != jobs || twice > 0;
    wrong.then(|| format!("{} of {jobs} jobs came to their end, {twice} more than once", ends.len()))
}

/// Prints the median and the most, and says which of them is too much.
pub(crate) fn judge(what: &str, mut times: Vec<Duration>, median: Duration, most: Duration) -> Vec<String> {
    times.sort_unstable();
    let Some(&longest) = times.last() else { return vec![format!("{what}: nothing was measured")] };
    let (middle, high) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!("{what}: {} times, p50 {middle:.2?}, p95 {high:.2?}, max {longest:.2?}", times.len());
    let mut faults = Vec::new();
    if middle >= median {
        faults.push(format!("{what}: the median of {middle:.2?} is not below {median:?}"));
    }
    if longest >= most {
        faults.push(format!("{what}: the longest of {longest:.2?} is not below {most:?}"));
    }
    faults
}
