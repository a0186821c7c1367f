//! A worker of the tests' own, started as a process.

mod jobs;

fn main() {
    plain_worker_tests::run_worker();
}
