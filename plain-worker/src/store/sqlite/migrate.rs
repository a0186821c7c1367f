use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};

use super::{SqliteStore, micros};
use crate::error::{Error, Result};
use crate::store::{Clock, Migration, SchemaState, script};

/// In order; forward only.
pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "0001_first", sql: include_str!("../../../migrations/sqlite/0001_first.sql") }];

/// Makes the ledger.
fn ledger_table(ledger: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {ledger} (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)"
    )
}

impl SqliteStore {
    fn ledger(&self) -> String {
        format!("{}_migrations", self.namespace)
    }

    pub(super) async fn schema_state(&self) -> Result<SchemaState> {
        let fault = self.fault("look at the tables");
        let found = sqlx::query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")
            .bind(self.ledger())
            .fetch_optional(&self.pool)
            .await
            .map_err(&fault)?;
        if found.is_none() {
            return Ok(SchemaState::Missing);
        }
        let row = sqlx::query(AssertSqlSafe(format!("SELECT coalesce(max(version), 0) FROM {}", self.ledger())))
            .fetch_one(&self.pool)
            .await
            .map_err(&fault)?;
        match row.try_get(0).map_err(&fault)? {
            0 => Ok(SchemaState::Missing),
            version => Ok(SchemaState::At(version)),
        }
    }

    fn rendered(&self, sql: &str) -> String {
        sql.replace("{prefix}", &format!("{}_", self.namespace))
    }

    pub(super) async fn script(&self) -> Result<String> {
        let ledger = self.ledger();
        let opening = format!("BEGIN IMMEDIATE;\n{};\n", ledger_table(&ledger));
        let found = self.schema_state().await?;
        Ok(script(MIGRATIONS, found, &opening, &ledger, "datetime('now')", |sql| self.rendered(sql)))
    }

    pub(super) async fn apply_migrations(&self) -> Result<Vec<&'static str>> {
        let needed = MIGRATIONS.iter().map(|step| step.version).max().unwrap_or_default();
        if matches!(self.schema_state().await?, SchemaState::At(version) if version >= needed) {
            return Ok(Vec::new());
        }
        let fault = self.fault("create the tables");
        let ledger = self.ledger();
        let mut write = self.write("create the tables").await?;
        sqlx::raw_sql(AssertSqlSafe(ledger_table(&ledger))).execute(&mut *write.tx).await.map_err(&fault)?;
        // Read again under the lock: another process may have been first.
        let row = sqlx::query(AssertSqlSafe(format!("SELECT coalesce(max(version), 0) FROM {ledger}")))
            .fetch_one(&mut *write.tx)
            .await
            .map_err(&fault)?;
        let found: i64 = row.try_get(0).map_err(&fault)?;
        let mut applied = Vec::new();
        for step in MIGRATIONS.iter().filter(|step| step.version > found) {
            sqlx::raw_sql(AssertSqlSafe(self.rendered(step.sql))).execute(&mut *write.tx).await.map_err(&fault)?;
            sqlx::query(AssertSqlSafe(format!("INSERT INTO {ledger} VALUES (?1, ?2, ?3, datetime('now'))")))
                .bind(step.version)
                .bind(step.name)
                .bind(step.checksum())
                .execute(&mut *write.tx)
                .await
                .map_err(&fault)?;
            applied.push(step.name);
        }
        write.commit(self).await?;
        Ok(applied)
    }

    pub(super) async fn advance_clock(&self, by: Duration) -> Result<()> {
        if self.clock != Clock::Movable {
            return Err(Error::Setting("the clock of this queue is the database's and cannot be moved".to_owned()));
        }
        let fault = self.fault("move the clock");
        let mut write = self.write("move the clock").await?;
        sqlx::query(AssertSqlSafe(format!("UPDATE {}_clock SET ahead = ahead + ?1", self.namespace)))
            .bind(micros(by))
            .execute(&mut *write.tx)
            .await
            .map_err(fault)?;
        write.commit(self).await
    }
}
