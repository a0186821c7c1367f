use std::collections::BTreeMap;

use super::{Case, Finding, some_of};
use crate::status::JobState;

/// Jobs that wait and that no live worker of their queue knows, or can read.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let alive: Vec<_> = case.workers.iter().filter(|worker| worker.alive).collect();
    let (mut unknown, mut parked) = (BTreeMap::<&str, u64>::new(), BTreeMap::<&str, u64>::new());
    for line in case.waiting.iter().flatten() {
        if line.state == JobState::Parked {
            *parked.entry(&line.job).or_default() += line.count;
            continue;
        }
        let mut serving = alive.iter().filter(|worker| worker.serves(&line.queue)).peekable();
        // Where nobody serves the queue, that is what is wrong.
        if serving.peek().is_some() && !serving.any(|worker| worker.knows.contains_key(&line.job)) {
            *unknown.entry(&line.job).or_default() += line.count;
        }
    }
    let names = |of: &BTreeMap<&str, u64>| some_of(of.iter().map(|(job, count)| format!("{count} of `{job}`")));
    let mut findings = Vec::new();
    if !unknown.is_empty() {
        findings.push(
            Finding::care("jobs", "jobs wait that no live worker of their queue knows")
                .evidence(names(&unknown))
                .remedy(
                    "deploy workers that have them, give a renamed job its old name as an alias, or take them away: \
                 `purge --job NAME`",
                ),
        );
    }
    if !parked.is_empty() {
        findings.push(
            Finding::care("jobs", "jobs are parked: no worker that has seen them can run them")
                .evidence(names(&parked))
                .remedy(
                    "`list --state parked` says why; they start by themselves once a worker is deployed that can read them",
                ),
        );
    }
    findings
}
