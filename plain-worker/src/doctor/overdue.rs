use super::{Case, Finding, some_of, span};

/// Runs that go on long after their timeout: threads that nothing can stop.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let overdue = &case.vitals.overdue;
    if overdue.is_empty() {
        return Vec::new();
    }
    let words = overdue.iter().map(|run| {
        format!("{} of `{}` on worker {}, {} over its time", run.id, run.job, run.worker, span(run.seconds))
    });
    let finding = Finding::care("timeouts", "jobs still run after their timeout, each in a slot of its worker")
        .evidence(some_of(words))
        .remedy(
            "a plain function must look at `ctx.is_cancelled()`, and an async one must not block its thread; a restart of \
             the worker frees the slots",
        );
    vec![finding]
}
