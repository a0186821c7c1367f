//! What the checks of `doctor` ask of Postgres.

use std::time::Duration;

use super::rows::{Reader, each};
use super::{PostgresStore, safe};
use crate::doctor::{HandBacks, OpenTransaction, OrphanKey, OverdueRun, Stranded, TableVitals, Vitals};
use crate::error::Result;

/// Which of the rights that a worker needs the role does not have.
const RIGHTS: &str = "
    SELECT current_user::text AS role, r.word || ' on ' || c.relname AS lacks
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r (word)
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname NOT IN ('migrations', 'clock')
       AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, r.word))
     ORDER BY c.relname, r.word";

/// Settings as this session has them, and what is like a setting.
const SETTINGS: &str = "
    SELECT name, setting
      FROM pg_settings
     WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum', 'track_counts',
                    'default_transaction_read_only', 'synchronous_standby_names')
     UNION ALL SELECT 'in_recovery', CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END
     UNION ALL SELECT 'async_standbys', count(*)::text FROM pg_stat_replication WHERE sync_state = 'async'";

/// The tables that change all the time.
const TABLES: &str = "
    SELECT c.relname::text AS name, coalesce(s.n_live_tup, 0) AS live, coalesce(s.n_dead_tup, 0) AS dead,
           NOT coalesce(c.reloptions @> ARRAY['autovacuum_enabled=false'], false) AS autovacuum,
           to_char(greatest(s.last_vacuum, s.last_autovacuum), 'YYYY-MM-DD HH24:MI:SS') AS vacuumed
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
     WHERE n.nspname = $1 AND c.relname IN ('job_requests', 'job_processes', 'unique_keys', 'workers', 'schedules')
     ORDER BY c.relname";

/// Indexes of ours that are not valid.
const INDEXES: &str = "
    SELECT c.relname::text AS name
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind = 'i' AND NOT i.indisvalid
     ORDER BY c.relname";

/// Transactions on this database that are open for longer; those of other roles only where we may see them.
const TRANSACTIONS: &str = "
    SELECT concat_ws(' ', pid, usename, nullif(application_name, '')) AS who, coalesce(state, '') AS state,
           extract(epoch FROM clock_timestamp() - xact_start)::bigint AS seconds
      FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
       AND clock_timestamp() - xact_start > $1 * interval '1 second'
     UNION ALL
    SELECT gid || ' ' || owner, 'prepared', extract(epoch FROM clock_timestamp() - prepared)::bigint
      FROM pg_prepared_xacts
     WHERE database = current_database() AND clock_timestamp() - prepared > $1 * interval '1 second'
     ORDER BY seconds DESC
     LIMIT 20";

impl PostgresStore {
    pub(super) async fn all_vitals(&self, long: Duration) -> Result<Vitals> {
        let mut vitals = Vitals::default();
        self.server_vitals(&mut vitals, long).await?;
        if vitals.missing_rights.is_empty() {
            self.row_vitals(&mut vitals).await?;
        } else {
            vitals.unseen.push("the rows are not looked at without the rights to".to_owned());
        }
        Ok(vitals)
    }

    async fn server_vitals(&self, vitals: &mut Vitals, long: Duration) -> Result<()> {
        let fault = self.fault("look for what is wrong");
        let schema = self.namespace.as_str();
        let rows = sqlx::query(RIGHTS).bind(schema).fetch_all(&self.pool).await.map_err(&fault)?;
        for row in &rows {
            let row = Reader::new(row, "pg_class");
            vitals.role = row.get("role")?;
            vitals.missing_rights.push(row.get("lacks")?);
        }
        let rows = sqlx::query(SETTINGS).fetch_all(&self.pool).await.map_err(&fault)?;
        let settings = each(&rows, "pg_settings", |row| Ok((row.get("name")?, row.get("setting")?)))?;
        vitals.settings = settings.into_iter().collect();
        let rows = sqlx::query(TABLES).bind(schema).fetch_all(&self.pool).await.map_err(&fault)?;
        vitals.tables = each(&rows, "pg_class", |row| {
            Ok(TableVitals {
                name: row.get("name")?,
                live: row.get("live")?,
                dead: row.get("dead")?,
                autovacuum: row.get("autovacuum")?,
                vacuumed: row.get("vacuumed")?,
            })
        })?;
        let rows = sqlx::query(INDEXES).bind(schema).fetch_all(&self.pool).await.map_err(&fault)?;
        vitals.broken_indexes = each(&rows, "pg_index", |row| row.get("name"))?;
        let seconds = long.as_secs_f64();
        let rows = sqlx::query(TRANSACTIONS).bind(seconds).fetch_all(&self.pool).await.map_err(&fault)?;
        vitals.transactions = each(&rows, "pg_stat_activity", |row| {
            Ok(OpenTransaction { who: row.get("who")?, state: row.get("state")?, seconds: row.get("seconds")? })
        })?;
        Ok(())
    }

    async fn row_vitals(&self, vitals: &mut Vitals) -> Result<()> {
        let fault = self.fault("look for what is wrong");
        let rows = sqlx::query(safe(&self.sql.overdue)).fetch_all(&self.pool).await.map_err(&fault)?;
        vitals.overdue = each(&rows, "job_processes", |row: &Reader<'_>| {
            Ok(OverdueRun {
                id: row.id("id")?,
                job: row.get("job")?,
                worker: row.get("worker_id")?,
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
}
