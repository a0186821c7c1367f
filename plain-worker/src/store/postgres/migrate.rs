use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};

use super::{PostgresStore, micros};
use crate::error::{Error, Result};
use crate::store::{Clock, Migration, SchemaState, script};

/// In order; forward only.
pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "0001_first", sql: include_str!("../../../migrations/postgres/0001_first.sql") }];

/// Makes the ledger.
fn ledger_table(ledger: &str) -> String {
    format!(
        "CREATE TABLE {ledger} (
    version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL)"
    )
}

/// The version that this program needs.
fn needed() -> i64 {
    MIGRATIONS.iter().map(|step| step.version).max().unwrap_or_default()
}

impl PostgresStore {
    fn ledger(&self) -> String {
        format!("{}.migrations", self.namespace)
    }

    pub(super) async fn schema_state(&self) -> Result<SchemaState> {
        let fault = self.fault("look at the tables");
        let row = sqlx::query("SELECT to_regclass($1) IS NULL")
            .bind(self.ledger())
            .fetch_one(&self.pool)
            .await
            .map_err(&fault)?;
        if row.try_get(0).map_err(&fault)? {
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

    /// Creates missing tables; older ones are left for the command that upgrades them.
    pub(super) async fn create_or_require(&self) -> Result<()> {
        match self.schema_state().await? {
            SchemaState::Missing => self.apply_migrations().await.map(drop),
            found @ SchemaState::At(_) => found.require(needed(), self.database.clone()),
        }
    }

    #[cfg(feature = "cli")]
    pub(super) async fn require_tables(&self) -> Result<()> {
        self.schema_state().await?.require(needed(), self.database.clone())
    }

    fn rendered(&self, sql: &str) -> String {
        sql.replace("{schema}", self.namespace.as_str())
    }

    pub(super) async fn script(&self) -> Result<String> {
        let (schema, ledger, found) = (&self.namespace, self.ledger(), self.schema_state().await?);
        // Whoever may not create a schema has it made by somebody else, and its tables by this.
        let opening = match found {
            SchemaState::Missing => format!(
                "BEGIN;\nSET LOCAL lock_timeout = '5s';\nCREATE SCHEMA IF NOT EXISTS {schema};\n{};\n",
                ledger_table(&ledger)
            ),
            SchemaState::At(_) => "BEGIN;\nSET LOCAL lock_timeout = '5s';\n".to_owned(),
        };
        Ok(script(MIGRATIONS, found, &opening, &ledger, "statement_timestamp()", |sql| self.rendered(sql)))
    }

    pub(super) async fn apply_migrations(&self) -> Result<Vec<&'static str>> {
        if matches!(self.schema_state().await?, SchemaState::At(version) if version >= needed()) {
            return Ok(Vec::new());
        }
        let fault = self.fault("create the tables");
        let (schema, ledger) = (&self.namespace, self.ledger());
        let mut tx = self.begin("create the tables").await?;
        // Others that start at the same time wait here; the tables themselves are waited for briefly only, since
        // what waits for a lock holds up everybody behind it.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "SET LOCAL statement_timeout = 0;
             SET LOCAL lock_timeout = '60s';
             SELECT pg_advisory_xact_lock(hashtextextended('plain-worker migrations of {schema}', 0));
             SET LOCAL lock_timeout = '5s'"
        )))
        .execute(&mut *tx)
        .await
        .map_err(&fault)?;
        // Looked at first: who may use a schema need not be allowed to create one.
        let row = sqlx::query("SELECT to_regnamespace($1) IS NULL")
            .bind(schema.as_str())
            .fetch_one(&mut *tx)
            .await
            .map_err(&fault)?;
        if row.try_get(0).map_err(&fault)? {
            sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}")))
                .execute(&mut *tx)
                .await
                .map_err(&fault)?;
        }
        let row =
            sqlx::query("SELECT to_regclass($1) IS NULL").bind(&ledger).fetch_one(&mut *tx).await.map_err(&fault)?;
        if row.try_get(0).map_err(&fault)? {
            sqlx::raw_sql(AssertSqlSafe(ledger_table(&ledger))).execute(&mut *tx).await.map_err(&fault)?;
        }
        // Read again under the lock: another process may have been first.
        let row = sqlx::query(AssertSqlSafe(format!("SELECT coalesce(max(version), 0) FROM {ledger}")))
            .fetch_one(&mut *tx)
            .await
            .map_err(&fault)?;
        let found: i64 = row.try_get(0).map_err(&fault)?;
        let mut applied = Vec::new();
        for step in MIGRATIONS.iter().filter(|step| step.version > found) {
            sqlx::raw_sql(AssertSqlSafe(self.rendered(step.sql))).execute(&mut *tx).await.map_err(&fault)?;
            sqlx::query(AssertSqlSafe(format!("INSERT INTO {ledger} VALUES ($1, $2, $3, statement_timestamp())")))
                .bind(step.version)
                .bind(step.name)
                .bind(step.checksum())
                .execute(&mut *tx)
                .await
                .map_err(&fault)?;
            applied.push(step.name);
        }
        self.commit(tx).await?;
        if !applied.is_empty() {
            // Before anything has ended: attaching a day refuses the ends that are being written in that moment.
            self.add_days().await?;
        }
        Ok(applied)
    }

    pub(super) async fn advance_clock(&self, by: Duration) -> Result<()> {
        if self.clock != Clock::Movable {
            return Err(Error::Setting("the clock of this queue is the database's and cannot be moved".to_owned()));
        }
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE {}.clock SET ahead = ahead + $1 * interval '1 microsecond'",
            self.namespace
        )))
        .bind(micros(by))
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(self.fault("move the clock"))
    }
}
