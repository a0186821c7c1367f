//! The queue that is used when none is named.

use tokio::sync::OnceCell;

use super::{Queue, database_url, runtime, scope};
use crate::error::{Error, Result};
use crate::store::QueueOptions;

static PROCESS_WIDE: OnceCell<Queue> = OnceCell::const_new();

impl Queue {
    /// Makes this queue the one that is used when none is named.
    ///
    /// Its connections should live as long as the process: open it on the
    /// runtime of `main`, or let it be opened from the environment.
    ///
    /// # Errors
    /// [`Error::QueueAlreadySet`] the second time.
    pub fn make_process_wide(&self) -> Result<()> {
        PROCESS_WIDE.set(self.clone()).map_err(|_| Error::QueueAlreadySet)
    }

    /// The queue that is used when none is named.
    ///
    /// Set by [`make_process_wide`](Self::make_process_wide); otherwise opened at the first
    /// use, on a thread of its own, from `PLAIN_WORKER_DATABASE_URL`, then `DATABASE_URL`,
    /// then (in debug builds, or with `PLAIN_WORKER_EMBEDDED=true`) the embedded file `plain-worker.db`
    /// in the working directory; its schema is `PLAIN_WORKER_SCHEMA`, if that is set.
    ///
    /// # Errors
    /// [`Error::NoQueue`] when there is none of these; what [`Queue::connect`] says otherwise.
    pub async fn process_wide() -> Result<Self> {
        if let Some(queue) = scope::current() {
            return Ok(queue);
        }
        PROCESS_WIDE
            .get_or_try_init(|| async {
                let Some((url, _)) = database_url(None, false) else { return Err(Error::NoQueue) };
                let mut options = QueueOptions::new();
                if let Some(schema) = std::env::var("PLAIN_WORKER_SCHEMA").ok().filter(|name| !name.is_empty()) {
                    options = options.schema(schema);
                }
                // The pool must outlive the runtime of whoever is first to ask.
                runtime::own()?
                    .spawn(async move { options.connect(&url).await })
                    .await
                    .map_err(|join| Error::Unavailable { doing: "open the database", source: join.into() })?
            })
            .await
            .cloned()
    }

    /// The process-wide queue if it is open already.
    pub(crate) fn process_wide_if_open() -> Option<Self> {
        scope::current().or_else(|| PROCESS_WIDE.get().cloned())
    }
}
