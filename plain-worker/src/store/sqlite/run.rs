use std::collections::HashSet;

use serde::Serialize;
use sqlx::{Row, SqliteConnection};

use super::rows::each;
use super::runs::{self, Unreadable};
use super::{SqliteStore, Statements, Write, json, micros, safe};
use crate::error::{Error, Result};
use crate::record::{Claim, Finish, JobId, Next, Notice, Run, RunToken, WorkerId};
use crate::status::UniqueUntil;

/// An end as the `finish_*` statements read it.
#[derive(Default, Serialize)]
struct StoredEnd<'e> {
    token: RunToken,
    status: Option<&'e str>,
    kind: Option<&'e str>,
    error: Option<&'e str>,
    output: Option<&'e str>,
    r#final: bool,
    state: &'e str,
    delay: i64,
    attempt: Option<i32>,
    failures: i32,
    losses: i32,
    hand_backs: i32,
    note: Option<&'e str>,
}

impl<'e> StoredEnd<'e> {
    fn of(end: &'e Finish) -> Self {
        let mut stored = Self {
            token: end.token,
            failures: end.failures,
            losses: end.losses,
            hand_backs: end.hand_backs,
            ..Self::default()
        };
        if let Some(record) = &end.record {
            stored.status = Some(record.status.as_str());
            stored.kind = record.kind.map(|kind| kind.as_str());
            stored.error = record.error.as_deref();
            stored.output = record.output.as_deref();
        }
        match &end.next {
            Next::End(state) => {
                stored.r#final = true;
                stored.state = state.as_str();
            }
            Next::Again(again) => {
                stored.state = again.state.as_str();
                stored.delay = micros(again.delay);
                stored.attempt = Some(again.attempt);
                stored.note = again.note.as_deref();
            }
        }
        stored
    }
}

async fn free_keys_on(
    connection: &mut SqliteConnection,
    sql: &Statements,
    keys: &[(&str, &str, JobId)],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(safe(&sql.free_keys)).bind(json(keys)).execute(connection).await.map(drop).map_err(fault)
}

/// Which of these runs are still held.
async fn held(
    connection: &mut SqliteConnection,
    sql: &Statements,
    tokens: &str,
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<HashSet<RunToken>> {
    let rows = sqlx::query(safe(&sql.held)).bind(tokens.to_owned()).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(|row| row.try_get(0).map_err(fault)).collect()
}

/// Records ends on a connection that is in a transaction; returns the tokens that were still held.
pub(super) async fn finish_on(
    connection: &mut SqliteConnection,
    sql: &Statements,
    ends: &[Finish],
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<Vec<RunToken>> {
    let all: HashSet<RunToken> = ends.iter().map(|end| end.token).collect();
    let tokens = json(&all);
    let recorded = if ends.iter().all(Finish::went_well_without_output) {
        let done =
            sqlx::query(safe(&sql.finish_success)).bind(&tokens).execute(&mut *connection).await.map_err(fault)?;
        if done.rows_affected() == all.len() as u64 { all } else { held(connection, sql, &tokens, fault).await? }
    } else {
        let stored = json(&ends.iter().map(StoredEnd::of).collect::<Vec<_>>());
        if ends.iter().any(|end| end.record.is_some()) {
            sqlx::query(safe(&sql.finish_results)).bind(&stored).execute(&mut *connection).await.map_err(fault)?;
        }
        if ends.iter().any(|end| matches!(end.next, Next::Again(_))) {
            sqlx::query(safe(&sql.finish_requests)).bind(&stored).execute(&mut *connection).await.map_err(fault)?;
        }
        held(connection, sql, &tokens, fault).await?
    };
    sqlx::query(safe(&sql.finish_processes)).bind(tokens).execute(&mut *connection).await.map_err(fault)?;
    let freed: Vec<_> = ends
        .iter()
        .filter(|end| matches!(end.next, Next::End(_)) && recorded.contains(&end.token))
        .filter_map(|end| end.held.as_ref().map(|held| (held.job.as_str(), held.key.as_str(), end.id)))
        .collect();
    free_keys_on(connection, sql, &freed, fault).await?;
    Ok(recorded.into_iter().collect())
}

impl SqliteStore {
    pub(super) async fn claim_ready(&self, claim: Claim) -> Result<Vec<Run>> {
        loop {
            let pairs = self.claimable(&claim).await?;
            if pairs.is_empty() {
                return Ok(Vec::new());
            }
            let (runs, parked) = self.claim_of(&claim, &pairs).await?;
            // Rows that nobody can read must not look like the end of the queue.
            if !runs.is_empty() || !parked {
                return Ok(runs);
            }
        }
    }

    /// Claims jobs of these pairs; parks rows that no worker can read, and says whether there were any.
    async fn claim_of(&self, claim: &Claim, pairs: &[(String, String)]) -> Result<(Vec<Run>, bool)> {
        // Together about twice what is wanted, however many pairs there are.
        let share = 2 * claim.limit / u32::try_from(pairs.len()).unwrap_or(u32::MAX) + 1;
        let depth = share.max(16).min(claim.limit);
        let fault = self.fault("claim jobs");
        let mut write = self.write("claim jobs").await?;
        let shapes: Vec<_> = claim.except.iter().filter(|(_, shape)| !shape.is_empty()).collect();
        let statement = match (pairs, &shapes[..]) {
            ([_], []) => &self.sql.claim_one,
            (_, []) => &self.sql.claim,
            _ => &self.claim_filtered,
        };
        let mut query = sqlx::query(safe(statement)).bind(claim.worker.to_string()).bind(&claim.build);
        query = match (pairs, &shapes[..]) {
            ([(queue, job)], []) => query.bind(queue).bind(job).bind(claim.limit),
            (_, []) => query.bind(json(pairs)).bind(claim.limit).bind(depth),
            _ => query.bind(json(pairs)).bind(claim.limit).bind(depth).bind(json(&shapes)),
        };
        let done = query.execute(&mut *write.tx).await.map_err(&fault)?;
        let count = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX);
        if count == 0 {
            return Ok((Vec::new(), false));
        }
        // Nobody else writes meanwhile: the tokens of one statement follow each other.
        let first = done.last_insert_rowid() - count + 1;
        let rows = sqlx::query(safe(&self.sql.claimed)).bind(first).fetch_all(&mut *write.tx).await.map_err(&fault)?;
        let (mut runs, unreadable) = runs::read(&rows)?;
        if !unreadable.is_empty() {
            let rows = json(&unreadable.iter().map(|row| (row.seq, row.token, &row.reason)).collect::<Vec<_>>());
            for statement in [&self.sql.park_unreadable, &self.sql.unclaim_unreadable] {
                sqlx::query(safe(statement)).bind(&rows).execute(&mut *write.tx).await.map_err(&fault)?;
            }
        }
        sqlx::query(safe(&self.sql.claim_delete)).bind(first).execute(&mut *write.tx).await.map_err(&fault)?;
        // They come in no order.
        runs.sort_by_key(|one| (std::cmp::Reverse(one.run.priority), one.run.due_at, one.seq));
        let runs: Vec<Run> = runs.into_iter().map(|one| one.run).collect();
        let started: Vec<_> = runs
            .iter()
            .filter_map(|run| match &run.unique {
                Some((key, UniqueUntil::Start)) => Some((run.job.as_str(), key.as_str(), run.id)),
                _ => None,
            })
            .collect();
        self.free_keys(&mut write, &started).await?;
        write.commit(self).await?;
        for Unreadable { seq, reason, .. } in &unreadable {
            tracing::warn!(seq, %reason, "a row of the queue cannot be read; it is parked");
        }
        Ok((runs, !unreadable.is_empty()))
    }

    /// The pairs of queue and job that may be claimed and have ready requests.
    async fn claimable(&self, claim: &Claim) -> Result<Vec<(String, String)>> {
        let fault = self.fault("look for ready jobs");
        let rows = sqlx::query(safe(&self.sql.claimable))
            .bind(claim.worker.to_string())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        let mut pairs = each(&rows, "job_requests", |row| Ok((row.get("queue")?, row.get("job")?)))?;
        pairs.retain(|(queue, job)| {
            claim.queues.as_ref().is_none_or(|queues| queues.contains(queue))
                && !claim.except_queues.contains(queue)
                && claim.only.as_ref().is_none_or(|jobs| jobs.contains(job))
                && !claim.except.iter().any(|(name, shape)| name == job && shape.is_empty())
        });
        Ok(pairs)
    }

    pub(super) async fn free_keys(&self, write: &mut Write, keys: &[(&str, &str, JobId)]) -> Result<()> {
        free_keys_on(&mut write.tx, &self.sql, keys, &self.fault("free unique keys")).await
    }

    pub(super) async fn record_ends(&self, ends: &[Finish]) -> Result<Vec<RunToken>> {
        let mut write = self.write("record the end of jobs").await?;
        let recorded = finish_on(&mut write.tx, &self.sql, ends, &self.fault("record the end of jobs")).await?;
        write.commit(self).await?;
        Ok(recorded)
    }

    pub(super) async fn notices_for(&self, worker: WorkerId, running: Vec<RunToken>) -> Result<Vec<Notice>> {
        if running.is_empty() {
            return Ok(Vec::new());
        }
        let fault = self.fault("look after running jobs");
        let rows = sqlx::query(safe(&self.sql.notices))
            .bind(worker.to_string())
            .bind(json(&running))
            .fetch_all(&self.pool)
            .await
            .map_err(&fault)?;
        each(&rows, "job_processes", |row| Ok(Notice { token: row.get("token")?, reason: row.word("reason")? }))
    }
}
