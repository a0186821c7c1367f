use super::{Case, Finding, some_of};

/// So many dead rows are nothing yet.
const FEW: i64 = 10_000;

/// Dead rows and autovacuum of the tables that change all the time, and indexes that are in nobody's use.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let tables = &case.vitals.tables;
    let mut findings = Vec::new();
    let off: Vec<_> = tables.iter().filter(|table| !table.autovacuum).map(|table| table.name.clone()).collect();
    if !off.is_empty() {
        findings.push(
            Finding::care("vacuum", "autovacuum is off for tables that change all the time")
                .evidence(some_of(off))
                .remedy("`ALTER TABLE .. RESET (autovacuum_enabled)`"),
        );
    }
    let full: Vec<_> = tables.iter().filter(|table| table.dead > FEW && table.dead > table.live).collect();
    if !full.is_empty() {
        let words = full.iter().map(|table| {
            let last = table.vacuumed.as_ref().map_or("never vacuumed".to_owned(), |at| format!("vacuumed last {at}"));
            format!("{}: {} dead rows, {} live, {last}", table.name, table.dead, table.live)
        });
        findings.push(Finding::care("vacuum", "dead rows make claims slow").evidence(some_of(words)).remedy(
            "`VACUUM` them now; if that does not help, a transaction or a replication slot holds it back; if \
                 autovacuum does not keep up, give it more workers and a higher cost limit",
        ));
    }
    let broken = &case.vitals.broken_indexes;
    if !broken.is_empty() {
        findings.push(
            Finding::care("indexes", "indexes were not finished: they cost each write and help no read")
                .evidence(some_of(broken.iter().cloned()))
                .remedy("`DROP INDEX` what ends with `_ccnew`, `REINDEX INDEX` the others"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::TableVitals;
    use super::super::tests::healthy;
    use super::*;

    #[test]
    fn dead_rows_count_where_they_are_the_most() {
        let table = |dead, live| TableVitals { name: "t".to_owned(), live, dead, autovacuum: true, vacuumed: None };
        let found = |table| {
            let mut case = healthy();
            case.vitals.tables = vec![table];
            check(&case).into_iter().map(|finding| finding.evidence).collect::<Vec<_>>()
        };
        assert_eq!(found(table(9_000, 0)), [""; 0]);
        assert_eq!(found(table(20_000, 30_000)), [""; 0]);
        assert_eq!(found(table(20_000, 5)), ["t: 20000 dead rows, 5 live, never vacuumed"]);
        assert_eq!(found(TableVitals { autovacuum: false, ..table(0, 0) }), ["t"]);
    }
}
