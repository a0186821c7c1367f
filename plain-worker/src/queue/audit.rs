//! The audit: who changed what, when.

use super::Queue;
use crate::audit::AuditRow;
use crate::error::Result;

impl Queue {
    /// Who paused, resumed, cancelled and purged what, the latest first; the next page begins `before` the last `seq`
    /// of this one.
    ///
    /// ```no_run
    /// # async fn example(queue: plain_worker::Queue) -> plain_worker::Result<()> {
    /// for change in queue.audit(None, 20).await? {
    ///     println!("{} {}: {} {} ({})", change.at, change.by, change.action, change.target, change.count);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
        self.ask(move |store| async move { store.audit(before, limit).await }).await
    }
}
