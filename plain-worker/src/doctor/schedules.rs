use super::{Case, Finding, some_of};
use crate::ledger::ScheduleRow;
use crate::status::ScheduleState;

/// Schedules that run nothing, with the reason.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    // Where no worker lives, that is what is wrong.
    let alive = case.workers.iter().any(|worker| worker.alive);
    let idle = |row: &&ScheduleRow| row.problem.is_some() && (alive || row.state == ScheduleState::Broken);
    // One that left the code with a deploy is no mistake.
    let (left, broken): (Vec<_>, Vec<_>) =
        case.schedules.iter().filter(idle).partition(|row| row.state == ScheduleState::Stopped && !row.dynamic);
    let words = |rows: &[&ScheduleRow]| {
        some_of(rows.iter().map(|row| format!("`{}`: {}", row.name, row.problem.as_deref().unwrap_or_default())))
    };
    let mut findings = Vec::new();
    if !broken.is_empty() {
        findings.push(Finding::care("schedules", "schedules run nothing").evidence(words(&broken)).remedy(
            "`schedules change` or `schedules remove` what was added at run time; start workers that serve the queues of \
             the others",
        ));
    }
    if !left.is_empty() {
        findings.push(
            Finding::note("schedules", "schedules are in the code of no live worker")
                .evidence(words(&left))
                .remedy("`schedules remove` those that are gone for good"),
        );
    }
    findings
}
