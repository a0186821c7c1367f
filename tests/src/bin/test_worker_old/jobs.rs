//! The jobs of the older build.
#![allow(missing_docs, reason = "they are the tests' own")]
#![allow(dead_code, reason = "each test names some of them")]

use plain_worker::job;
use plain_worker_tests::Journal;

/// The same in both builds.
#[job]
pub async fn known(n: u32, #[inject] journal: Journal) {
    journal.write(format_args!("known {n}"));
}

/// The newer build wants to know more.
#[job]
pub async fn reshaped(n: u32, #[inject] journal: Journal) {
    journal.write(format_args!("old shape {n}"));
}

/// The newer build no longer has it.
#[job]
pub async fn retired(n: u32, #[inject] journal: Journal) {
    journal.write(format_args!("retired {n}"));
}
