//! What is done after each enqueue to a queue: how tests have jobs run inline.

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;

use super::Queue;
use crate::error::{Error, Result};

type Work = Arc<dyn Fn(Queue) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The work after an enqueue; none for all queues but those of some tests.
#[derive(Default)]
pub(super) struct AfterEnqueue(OnceLock<Work>);

impl Queue {
    /// From now on an enqueue to this queue does this work before it returns.
    pub(crate) fn after_enqueue<F>(&self, work: F) -> Result<()>
    where
        F: Fn(Queue) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    {
        let set = self.0.after_enqueue.0.set(Arc::new(work));
        set.map_err(|_| Error::Setting("jobs of this queue run inline already".to_owned()))
    }

    /// Does what is to be done after an enqueue.
    pub(super) async fn enqueue_done(&self) -> Result<()> {
        match self.0.after_enqueue.0.get() {
            Some(work) => work(self.clone()).await,
            None => Ok(()),
        }
    }
}
