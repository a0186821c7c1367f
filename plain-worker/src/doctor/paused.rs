use chrono::TimeDelta;

use super::{Case, Finding, some_of, span};

/// Pauses that somebody may have forgotten.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let old: Vec<_> = case.pauses.iter().filter(|pause| case.now - pause.at > TimeDelta::hours(24)).collect();
    if old.is_empty() {
        return Vec::new();
    }
    let words = old.iter().map(|pause| {
        let by = if pause.by.is_empty() { String::new() } else { format!(" by {}", pause.by) };
        format!("{}{by} for {}", pause.target, span((case.now - pause.at).num_seconds()))
    });
    let finding = Finding::note("pauses", "something is paused for more than a day")
        .evidence(some_of(words))
        .remedy("`resume` it, if it was forgotten");
    vec![finding]
}
