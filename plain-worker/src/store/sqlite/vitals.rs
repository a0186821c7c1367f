//! What the checks of `doctor` ask of SQLite.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};

use super::file::is_memory;
use super::rows::{Reader, each};
use super::{SqliteStore, safe};
use crate::doctor::{HandBacks, OrphanKey, OverdueRun, Stranded, Vitals};
use crate::error::Result;

/// Larger files are not read whole.
const LARGE: u64 = 1024 * 1024 * 1024;

impl SqliteStore {
    pub(super) async fn all_vitals(&self, _long: Duration) -> Result<Vitals> {
        let mut vitals = Vitals::default();
        self.row_vitals(&mut vitals).await?;
        self.file_vitals(&mut vitals).await?;
        Ok(vitals)
    }

    async fn row_vitals(&self, vitals: &mut Vitals) -> Result<()> {
        let fault = self.fault("look for what is wrong");
        let rows = sqlx::query(safe(&self.sql.overdue)).fetch_all(&self.pool).await.map_err(&fault)?;
        vitals.overdue = each(&rows, "job_processes", |row: &Reader<'_>| {
            Ok(OverdueRun {
                id: row.id("id")?,
                job: row.get("job")?,
                worker: row.word("worker_id")?,
                seconds: row.get("seconds")?,
            })
        })?;
        let rows = sqlx::query(safe(&self.sql.stranded)).fetch_all(&self.pool).await.map_err(&fault)?;
        vitals.stranded = each(&rows, "job_processes", |row| Ok(Stranded { id: row.id("id")?, job: row.get("job")? }))?;
        match self.briefly("look for what was handed back", sqlx::query(safe(&self.sql.hand_backs))).await? {
            Some(rows) => {
                vitals.hand_backs = each(&rows, "job_requests", |row| {
                    Ok(HandBacks { job: row.get("job")?, jobs: row.get("jobs")?, most: row.get("most")? })
                })?;
            }
            None => vitals.unseen.push("looking for jobs that were handed back took too long".to_owned()),
        }
        match self.briefly("look for keys of no job", sqlx::query(safe(&self.sql.orphan_keys))).await? {
            Some(rows) => {
                vitals.orphan_keys =
                    each(&rows, "unique_keys", |row| Ok(OrphanKey { job: row.get("job")?, key: row.get("key")? }))?;
            }
            None => vitals.unseen.push("looking for keys of no job took too long".to_owned()),
        }
        Ok(())
    }

    async fn file_vitals(&self, vitals: &mut Vitals) -> Result<()> {
        let options = self.pool.connect_options();
        if is_memory(&options) {
            return Ok(());
        }
        let mut log = options.get_filename().as_os_str().to_owned();
        log.push("-wal");
        vitals.wal_bytes = std::fs::metadata(log).map_or(0, |file| file.len());
        if std::fs::metadata(options.get_filename()).map_or(0, |file| file.len()) > LARGE {
            vitals.unseen.push("the file is too large to be checked for damage here: `PRAGMA quick_check`".to_owned());
            return Ok(());
        }
        let check = sqlx::query(AssertSqlSafe("PRAGMA quick_check(5)".to_owned()));
        match self.briefly("check the file", check).await? {
            Some(rows) => {
                let words = rows.iter().filter_map(|row| row.try_get::<String, _>(0).ok());
                vitals.damage = words.filter(|word| word != "ok").collect();
            }
            None => vitals.unseen.push("checking the file for damage took too long: `PRAGMA quick_check`".to_owned()),
        }
        Ok(())
    }
}
