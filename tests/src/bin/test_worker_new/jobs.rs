//! The jobs of the newer build.
#![allow(missing_docs, reason = "they are the tests' own")]
#![allow(dead_code, reason = "each test names some of them")]

use plain_worker::job;
use plain_worker_tests::Journal;

/// The same in both builds.
#[job]
pub async fn known(n: u32, #[inject] journal: Journal) {
    journal.write(format_args!("known {n}"));
}

/// With an argument that the older build does not have.
#[job]
pub async fn reshaped(n: u32, region: String, #[inject] journal: Journal) {
    journal.write(format_args!("new shape {n} in {region}"));
}

/// The older build has no such job.
#[job]
pub async fn newcomer(n: u32, #[inject] journal: Journal) {
    journal.write(format_args!("newcomer {n}"));
}
