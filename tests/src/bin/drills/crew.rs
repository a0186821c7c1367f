//! The worker processes under drill.

use plain_worker_tests::WorkerProgram;

/// This program, as a worker.
pub(crate) fn worker() -> WorkerProgram {
    WorkerProgram::new(program()).with("DRILL_WORKER", 1)
}

/// The path of this program, for as long as it runs.
pub(crate) fn program() -> &'static str {
    let program = std::env::current_exe().expect("this program");
    String::leak(program.display().to_string())
}
