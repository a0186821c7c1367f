//! A look at what goes wrong in practice.

use std::time::Duration;

use chrono::Utc;

use super::Queue;
use crate::doctor::{Case, Finding, examine};
use crate::error::{Error, Result};
use crate::record::JobFilter;
use crate::status::JobState;

/// How long the waiting jobs are counted.
const PATIENCE: Duration = Duration::from_secs(5);

impl Queue {
    /// Looks at the schema, rights, settings, clocks, tables, workers, jobs and schedules, and says what needs care and
    /// what to do; changes nothing. Transactions that are open for longer than `long` count as long.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn examine(&self, long: Duration) -> Result<Vec<Finding>> {
        let script = self.migration_script().await?;
        if !script.is_empty() {
            let steps = script.lines().filter(|line| line.starts_with("-- 0")).count();
            let finding = Finding::care("schema", "the tables are missing, or older than this program")
                .evidence(format!("{steps} steps are not applied"))
                .remedy("`your-program migrate`; with `--print-sql` it prints them");
            return Ok(vec![finding]);
        }
        let vitals = self.ask(move |store| async move { store.vitals(long).await }).await?;
        let mut unseen = vitals.unseen.clone();
        if vitals.missing_rights.iter().any(|right| right.starts_with("SELECT")) {
            // What follows cannot be read.
            let case = Case { vitals, unseen, ..Case::default() };
            return Ok(examine(&case));
        }
        let before = Utc::now();
        let now = self.now().await?;
        // By half of what the question took the answer is old.
        let ahead = now - before - (Utc::now() - before) / 2;
        let mut waits = JobFilter::new().within(PATIENCE);
        waits.states =
            vec![JobState::Ready, JobState::Scheduled, JobState::Retrying, JobState::Blocked, JobState::Parked];
        let waiting = match self.stats(waits).await {
            Ok(lines) => Some(lines),
            Err(Error::TooLong { .. }) => {
                unseen.push("counting the waiting jobs took too long".to_owned());
                None
            }
            Err(error) => return Err(error),
        };
        let (workers, pauses, schedules) =
            (self.workers().await?, self.pauses().await?, self.schedules().list().await?);
        Ok(examine(&Case { vitals, workers, waiting, pauses, schedules, now, ahead, unseen }))
    }
}
