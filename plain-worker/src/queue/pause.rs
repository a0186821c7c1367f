//! Pauses: what is stopped for all workers at run time.

use super::Queue;
use crate::error::{Error, Result};
use crate::pause::{Pause, PauseTarget};

impl Queue {
    /// Pauses a queue, the jobs of a name, or everything: no worker claims them any more, from its next claim on.
    ///
    /// What runs goes on, enqueues and schedules too; the jobs wait, and cost the
    /// claims of others nothing. `by` is kept with the pause and in the audit.
    /// `false`: it was paused already, and who did that stays recorded.
    ///
    /// ```no_run
    /// # use plain_worker::job;
    /// # #[job] async fn welcome_user(user_id: i64) {}
    /// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
    /// use plain_worker::PauseTarget;
    ///
    /// queue.pause(PauseTarget::of::<welcome_user>(), "anna").await?;
    /// for pause in queue.pauses().await? {
    ///     println!("{} paused {} at {}", pause.by, pause.target, pause.at);
    /// }
    /// queue.resume(PauseTarget::of::<welcome_user>(), "anna").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that no job and no queue can have.
    pub async fn pause(&self, target: PauseTarget, by: &str) -> Result<bool> {
        let by = checked(&target, by)?;
        self.ask(move |store| async move { store.pause(target, by).await }).await
    }

    /// Ends a pause; the workers look for what waited at once. `false`: nothing was paused under this name.
    ///
    /// Each pause is apart: a queue that is paused by its name stays so when
    /// [`PauseTarget::Everything`] is resumed. Only workers that were started
    /// paused begin then, too.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that no job and no queue can have.
    pub async fn resume(&self, target: PauseTarget, by: &str) -> Result<bool> {
        let by = checked(&target, by)?;
        let resumed = self.ask(move |store| async move { store.resume(target, by).await }).await?;
        if resumed {
            self.wake(Vec::new());
        }
        Ok(resumed)
    }

    /// All that is paused, with who and when, the oldest pause first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn pauses(&self) -> Result<Vec<Pause>> {
        self.ask(|store| async move { store.pauses().await }).await
    }
}

/// Who it was, if both can be stored.
fn checked(target: &PauseTarget, by: &str) -> Result<String> {
    let (kind, name) = target.parts();
    if *target != PauseTarget::Everything && name.is_empty() {
        return Err(Error::Setting(format!(
            "a {kind} without a name cannot be paused or resumed: write `{kind}:NAME`"
        )));
    }
    if name.contains('\0') || by.contains('\0') {
        return Err(Error::Setting(format!("{target:?} (by {by:?}) holds a NUL, which no name holds")));
    }
    Ok(by.to_owned())
}
