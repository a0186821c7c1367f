//! A worker of an newer build: it lacks a job of the older one, and has another shape of a second.

mod jobs;

fn main() {
    plain_worker_tests::run_worker();
}
