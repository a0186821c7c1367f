use std::collections::BTreeMap;

use super::{Case, Finding, some_of};

/// Queues in which jobs wait and that no live worker serves.
pub(super) fn check(case: &Case) -> Vec<Finding> {
    let mut queues: BTreeMap<&str, u64> = BTreeMap::new();
    for line in case.waiting.iter().flatten() {
        *queues.entry(&line.queue).or_default() += line.count;
    }
    let waiting: u64 = queues.values().sum();
    if waiting == 0 {
        return Vec::new();
    }
    let alive: Vec<_> = case.workers.iter().filter(|worker| worker.alive).collect();
    if alive.is_empty() {
        let gone = case.workers.iter().map(|worker| worker.heartbeat_at).max();
        let last = gone.map_or_else(
            || "no worker has a row".to_owned(),
            |at| format!("the last sign of one is {} old", super::span((case.now - at).num_seconds())),
        );
        let finding = Finding::care("workers", format!("no worker lives, and {waiting} jobs wait"))
            .evidence(last)
            .remedy("start a worker: `your-program worker`");
        return vec![finding];
    }
    let unserved: Vec<_> =
        queues.iter().filter(|(queue, _)| !alive.iter().any(|worker| worker.serves(queue))).collect();
    if unserved.is_empty() {
        return Vec::new();
    }
    let names = some_of(unserved.iter().map(|(queue, count)| format!("`{queue}` with {count} jobs")));
    let finding = Finding::care("queues", "jobs wait in queues that no live worker serves")
        .evidence(names)
        .remedy("start a worker that serves them (`worker --queue NAME`), or move the jobs (`requeue --where 'queue:NAME' --queue ..`)");
    vec![finding]
}
