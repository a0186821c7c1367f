use super::{Case, Finding, some_of};

/// A worker needs to read and write all tables.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let missing = &case.vitals.missing_rights;
    if missing.is_empty() {
        return Vec::new();
    }
    let role = &case.vitals.role;
    let finding = Finding::care("rights", format!("the role `{role}` may not do what a worker does"))
        .evidence(format!("it lacks {}", some_of(missing.iter().cloned())))
        .remedy(format!(
            "grant them as in docs/operations.md (`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA .. TO {role}`), \
             or call this as the role of the workers"
        ));
    vec![finding]
}
