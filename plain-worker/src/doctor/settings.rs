use super::{Case, Finding};

/// Settings of Postgres that lose data or speed: name, the value, what comes of it, what to do.
const BAD: &[(&str, &str, &str, &str)] = &[
    ("fsync", "off", "a crash of the machine can destroy the database", "set `fsync = on`"),
    ("full_page_writes", "off", "a crash of the machine can destroy the database", "set `full_page_writes = on`"),
    (
        "synchronous_commit",
        "off",
        "jobs whose enqueue has returned, and ends that were recorded, are lost when the database crashes",
        "set `synchronous_commit = on` for the server, the database or the role",
    ),
    ("autovacuum", "off", "dead rows pile up, and claims become slower and slower", "set `autovacuum = on`"),
    ("track_counts", "off", "autovacuum does not know where to go", "set `track_counts = on`"),
    (
        "default_transaction_read_only",
        "on",
        "nothing can be enqueued, claimed or recorded",
        "name the primary in the database URL, or set `default_transaction_read_only = off`",
    ),
    (
        "in_recovery",
        "on",
        "this is a standby: nothing can be enqueued, claimed or recorded",
        "name the primary in the database URL",
    ),
];

/// Settings of the server and this session.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let settings = &case.vitals.settings;
    let is = |name: &str, value: &str| settings.get(name).is_some_and(|found| found == value);
    let mut findings: Vec<_> = BAD
        .iter()
        .filter(|(name, value, ..)| is(name, value))
        .map(|(name, value, finding, remedy)| {
            Finding::care("settings", *finding).evidence(format!("{name} is {value}")).remedy(*remedy)
        })
        .collect();
    let replicas = settings.get("async_standbys").and_then(|number| number.parse::<u32>().ok()).unwrap_or_default();
    if replicas > 0 && is("synchronous_standby_names", "") {
        findings.push(
            Finding::note("settings", "a failover can lose the newest jobs: replication is asynchronous")
                .evidence(format!("{replicas} standbys follow, synchronous_standby_names is empty"))
                .remedy("name a synchronous standby if no acknowledged enqueue may be lost; else know it"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::healthy;
    use super::*;

    #[test]
    fn settings_that_lose_data_are_told() {
        let mut case = healthy();
        let mut set = |name: &str, value: &str| case.vitals.settings.insert(name.to_owned(), value.to_owned());
        set("fsync", "off");
        set("autovacuum", "on");
        set("async_standbys", "1");
        set("synchronous_standby_names", "");
        let found = check(&case);
        assert_eq!(found.iter().map(|one| &*one.evidence).next(), Some("fsync is off"));
        assert_eq!(found.iter().map(|one| one.needs_care).collect::<Vec<_>>(), [true, false]);
    }
}
