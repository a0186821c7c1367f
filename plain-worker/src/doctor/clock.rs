use chrono::TimeDelta;

use super::{Case, Finding};

/// The clocks of this machine and of the database; what is due is decided by the latter alone.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    if case.ahead.abs() < TimeDelta::seconds(2) {
        return Vec::new();
    }
    let (ahead, seconds) = (case.ahead > TimeDelta::zero(), case.ahead.num_milliseconds().unsigned_abs());
    let span = humantime::format_duration(std::time::Duration::from_millis(seconds - seconds % 100));
    let side = if ahead { "ahead of" } else { "behind" };
    let finding = Finding::care("clock", "the clocks of the database and of this machine differ")
        .evidence(format!("the database is {span} {side} this machine"))
        .remedy(
            "have both keep time by NTP: jobs start by the database's clock, and instants given with `--run-at` or \
             written into log lines by this machine's",
        );
    vec![finding]
}

#[cfg(test)]
mod tests {
    use super::super::tests::healthy;
    use super::*;

    #[test]
    fn clocks_may_differ_a_little() {
        let found = |ahead| check(&Case { ahead: TimeDelta::milliseconds(ahead), ..healthy() });
        assert_eq!(found(1_500), []);
        assert_eq!(found(-61_234)[0].evidence, "the database is 1m 1s 200ms behind this machine");
    }
}
