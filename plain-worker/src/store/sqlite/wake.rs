use std::time::Duration;

use sqlx::{ConnectOptions, Connection, Row};

use super::{SqliteStore, file};
use crate::error::Result;
use crate::store::OnWake;

/// How often the file is asked whether somebody else has committed.
const LOOK: Duration = Duration::from_millis(20);

impl SqliteStore {
    /// Notices the commits of all other connections, whichever process they are in.
    ///
    /// `PRAGMA data_version` reads one number out of the shared memory of the
    /// write-ahead log: cheap enough to be asked all the time.
    pub(super) async fn watch_file(&self, on_wake: OnWake) -> Result<()> {
        let options = self.pool.connect_options();
        if file::is_memory(&options) {
            on_wake();
            // Nobody else can have a database in our memory.
            return std::future::pending().await;
        }
        let fault = self.fault("watch the file");
        let options = (*options).clone().create_if_missing(false).disable_statement_logging();
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.map_err(&fault)?;
        let mut seen: Option<i64> = None;
        loop {
            let row = sqlx::query("PRAGMA data_version").fetch_one(&mut connection).await.map_err(&fault)?;
            let version = row.try_get(0).map_err(&fault)?;
            if seen.replace(version) != Some(version) {
                on_wake();
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
