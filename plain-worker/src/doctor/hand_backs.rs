use super::{Case, Finding, some_of};

/// Jobs that every deploy hands back, since they are longer than the grace period.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let found = &case.vitals.hand_backs;
    if found.is_empty() {
        return Vec::new();
    }
    let words = found.iter().map(|one| format!("{} of `{}`, up to {} times", one.jobs, one.job, one.most));
    let finding = Finding::care("deploys", "stops of workers hand the same jobs back again and again")
        .evidence(some_of(words))
        .remedy(
            "give the workers a longer `--grace`, let the job end early at `ctx.cancelled()`, or cut it into smaller jobs",
        );
    vec![finding]
}
