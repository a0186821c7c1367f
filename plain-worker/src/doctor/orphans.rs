use super::{Case, Finding, some_of};

/// Rows that belong to nothing: runs of dead workers that nobody rescues, keys of jobs that are gone.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    let stranded = &case.vitals.stranded;
    if !stranded.is_empty() {
        let alive = case.workers.iter().any(|worker| worker.alive);
        let remedy = if alive {
            "live workers should have rescued them within seconds: their logs say what keeps them from it"
        } else {
            "start a worker: it rescues them within seconds"
        };
        findings.push(
            Finding::care("orphans", "runs of dead workers wait to be rescued")
                .evidence(some_of(stranded.iter().map(|run| format!("{} of `{}`", run.id, run.job))))
                .remedy(remedy),
        );
    }
    let keys = &case.vitals.orphan_keys;
    if !keys.is_empty() {
        let words = keys.iter().map(|key| format!("`{}` of `{}`", key.key, key.job));
        findings.push(
            Finding::care(
                "orphans",
                "unique keys are held by jobs that are gone, so that nothing can be enqueued under them",
            )
            .evidence(some_of(words))
            .remedy("rows were deleted by hand: delete these rows of `unique_keys`, too"),
        );
    }
    findings
}
