//! A worker of an older build: it lacks a job of the newer one, and has another shape of a second.

mod jobs;

fn main() {
    plain_worker_tests::run_worker();
}
