//! What of a job a visitor may see: some see nothing of what is inside, and redacted arguments nobody does.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::auth::Action;
use super::super::super::guard::Visit;
use crate::queue::Queue;
use crate::record::JobRow;
use crate::registry::Registry;

/// A job as this visitor may see it: what is inside is left out for some, and redacted arguments for all.
pub(in crate::dashboard) fn shown(visit: &Visit, mut job: JobRow) -> JobRow {
    if !visit.may(Action::ViewArguments) {
        let hidden = || Some("hidden".to_owned());
        "\"hidden\"".clone_into(&mut job.arguments);
        job.metadata = job.metadata.and(Some("\"hidden\"".to_owned()));
        job.output = job.output.and(Some("\"hidden\"".to_owned()));
        job.error = job.error.and_then(|_| hidden());
        job.unique_key = job.unique_key.and_then(|_| hidden());
        return job;
    }
    job.arguments = redacted_arguments(visit, &job.job, &job.arguments);
    job
}

/// Arguments of a job of that name as this visitor may see them.
pub(in crate::dashboard) fn redacted_arguments(visit: &Visit, job: &str, arguments: &str) -> String {
    if !visit.may(Action::ViewArguments) {
        return "\"hidden\"".to_owned();
    }
    let redacted = redacted(job);
    if redacted.is_empty() { arguments.to_owned() } else { redact(arguments, &redacted) }
}

/// The arguments of a job whose values are hidden from all.
fn redacted(job: &str) -> Vec<&'static str> {
    Registry::of_program()
        .ok()
        .and_then(|registry| registry.get(job))
        .map(|definition| definition.arguments.iter().filter(|a| a.redacted).map(|a| a.name).collect())
        .unwrap_or_default()
}

/// Whether a job has arguments whose values are hidden from all.
pub(in crate::dashboard) fn has_redacted(job: &str) -> bool {
    !redacted(job).is_empty()
}

/// The names of the jobs that this program or a live worker knows.
pub(in crate::dashboard) async fn known_jobs(queue: &Queue) -> crate::Result<BTreeSet<String>> {
    let workers = queue.workers().await?;
    let mut known: BTreeSet<String> =
        workers.iter().filter(|worker| worker.alive).flat_map(|worker| worker.knows.keys().cloned()).collect();
    if let Ok(registry) = Registry::of_program() {
        known.extend(registry.jobs().iter().map(|job| job.name.to_owned()));
    }
    Ok(known)
}

/// The arguments with some values hidden; every other value stays as it is written.
fn redact(arguments: &str, names: &[&str]) -> String {
    type Raw = Box<serde_json::value::RawValue>;
    let Ok(mut fields) = serde_json::from_str::<BTreeMap<String, Raw>>(arguments) else {
        return "\"hidden\"".to_owned();
    };
    for (name, value) in &mut fields {
        if names.contains(&name.as_str()) {
            *value = serde_json::value::to_raw_value("hidden").unwrap_or_default();
        }
    }
    serde_json::to_string(&fields).unwrap_or_else(|_| "\"hidden\"".to_owned())
}
