use super::{Case, Finding, some_of};

/// A write-ahead log of that size is one that nothing could shorten for long.
const LARGE: u64 = 256 * 1024 * 1024;

/// The file of an SQLite database.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !case.vitals.damage.is_empty() {
        findings.push(
            Finding::care("file", "the database file is damaged")
                .evidence(some_of(case.vitals.damage.iter().cloned()))
                .remedy("stop all workers, keep a copy, and restore a backup, or save what can be read by `sqlite3 FILE .recover`"),
        );
    }
    let wal = case.vitals.wal_bytes;
    if wal > LARGE {
        findings.push(
            Finding::care("file", "the write-ahead log has grown large, and reads become slow")
                .evidence(format!("it has {} MiB", wal / (1024 * 1024)))
                .remedy("a reader keeps its transaction open: end it, and the log is shortened by itself"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::healthy;
    use super::*;

    #[test]
    fn a_damaged_file_and_a_long_log_are_told() {
        let mut case = healthy();
        case.vitals.damage = vec!["row 7 missing from index".to_owned()];
        case.vitals.wal_bytes = 300 * 1024 * 1024;
        let found: Vec<_> = check(&case).into_iter().map(|finding| finding.evidence).collect();
        assert_eq!(found, ["row 7 missing from index", "it has 300 MiB"]);
    }
}
