//! What a drain leaves: paused, unknown here, due later.

use serde::Serialize;

use super::exit::Failure;
use super::text;
use crate::pause::PauseTarget;
use crate::queue::Queue;
use crate::record::JobFilter;
use crate::registry::Registry;
use crate::status::JobState;

/// The waiting jobs of the drained queues that a drain does not wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Left {
    /// In a paused queue, or of a paused name.
    pub(super) paused: u64,
    /// Of names or arguments that this program does not know: parked, or left for other workers.
    pub(super) unknown: u64,
    /// Due at a later time, retries among them.
    pub(super) later: u64,
    /// Held by other workers that live.
    pub(super) running_elsewhere: u64,
}

impl Left {
    /// Counts them; in all queues when none is named.
    pub(super) async fn count(queue: &Queue, queues: &[String]) -> Result<Self, Failure> {
        let waiting = [JobState::Ready, JobState::Scheduled, JobState::Retrying, JobState::Parked, JobState::Running];
        let mut filter = waiting.into_iter().fold(JobFilter::new(), JobFilter::state);
        filter.queues = queues.to_vec();
        let lines = queue.stats(filter).await?;
        let pauses: Vec<_> = queue.pauses().await?.into_iter().map(|pause| pause.target).collect();
        let registry = Registry::of_program()?;
        let mut left = Self::default();
        for line in lines {
            let is_paused = pauses.iter().any(|target| match target {
                PauseTarget::Everything => true,
                PauseTarget::Queue(name) => *name == line.queue,
                PauseTarget::Job(name) => *name == line.job,
                PauseTarget::Worker(_) => false,
            });
            let counter = match line.state {
                JobState::Running => &mut left.running_elsewhere,
                JobState::Scheduled | JobState::Retrying => &mut left.later,
                JobState::Parked => &mut left.unknown,
                _ if registry.get(&line.job).is_none() => &mut left.unknown,
                _ if is_paused => &mut left.paused,
                // Enqueued after the last look.
                _ => continue,
            };
            *counter += line.count;
        }
        Ok(left)
    }

    /// In words; nothing when nothing is left.
    pub(super) fn words(self) -> String {
        let Self { paused, unknown, later, running_elsewhere } = self;
        let parts = [
            (paused, "paused"),
            (unknown, "unknown to this program"),
            (later, "due later"),
            (running_elsewhere, "running elsewhere"),
        ];
        let parts: Vec<_> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", text::count(*number, "job")))
            .collect();
        if parts.is_empty() { String::new() } else { format!("\nleft: {}", parts.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_is_told() {
        assert_eq!(Left::default().words(), "");
        let left = Left { paused: 1, later: 2, ..Left::default() };
        assert_eq!(left.words(), "\nleft: 1 job paused, 2 jobs due later");
    }
}
