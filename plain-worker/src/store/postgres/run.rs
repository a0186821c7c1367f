use std::borrow::Cow;
use std::time::Instant;

use sqlx::Row;
use sqlx::postgres::{PgBindIterExt, PgConnection};

use super::rows::each;
use super::{PostgresStore, Statements, giving_way, micros, safe};
use crate::error::{Error, Result};
use crate::record::{Again, Claim, Finish, Next, Notice, Place, Run, RunToken, WorkerId};

/// Text that Postgres can hold: a failed job can always be recorded.
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\\0").into() } else { text.into() }
}

fn again(end: &Finish) -> Option<&Again> {
    match &end.next {
        Next::Again(again) => Some(again),
        Next::End(_) => None,
    }
}

/// Records ends, in one statement; returns the tokens that were still held.
///
/// `steady`: the session is set so that a plan can be kept; elsewhere one that was made for empty tables would stay.
pub(super) async fn finish_on(
    connection: &mut PgConnection,
    sql: &Statements,
    ends: &[Finish],
    steady: bool,
    fault: &(impl Fn(sqlx::Error) -> Error + Sync),
) -> Result<Vec<RunToken>> {
    let mut ends: Vec<_> = ends.iter().collect();
    // Two that record the same runs take them in the same order.
    ends.sort_unstable_by_key(|end| end.token);
    if ends.iter().all(|end| end.went_well()) {
        let outputs = ends.iter().map(|end| end.record.as_ref().and_then(|record| record.output.as_deref()));
        let rows = sqlx::query(safe(&sql.finish_success))
            .bind(ends.iter().map(|end| end.token).bind_iter())
            .bind(outputs.bind_iter())
            .persistent(steady)
            .fetch_all(connection)
            .await
            .map_err(fault)?;
        return rows.iter().map(|row| row.try_get(0).map_err(fault)).collect();
    }
    let record = || ends.iter().map(|end| end.record.as_ref());
    let next = || ends.iter().map(|end| again(end));
    let rows = sqlx::query(safe(&sql.finish))
        .bind(ends.iter().map(|end| end.token).bind_iter())
        .bind(record().map(|record| record.map(|record| record.status.as_str())).bind_iter())
        .bind(record().map(|record| record.and_then(|record| record.kind).map(|kind| kind.as_str())).bind_iter())
        .bind(record().map(|record| record.and_then(|record| record.error.as_deref()).map(without_nul)).bind_iter())
        .bind(record().map(|record| record.and_then(|record| record.output.as_deref())).bind_iter())
        .bind(ends.iter().map(|end| matches!(end.next, Next::End(_))).bind_iter())
        .bind(
            ends.iter()
                .map(|end| match &end.next {
                    Next::End(state) => state.as_str(),
                    Next::Again(again) => again.state.as_str(),
                })
                .bind_iter(),
        )
        .bind(next().map(|again| again.map_or(0, |again| micros(again.delay))).bind_iter())
        .bind(next().map(|again| again.map(|again| again.attempt)).bind_iter())
        .bind(ends.iter().map(|end| end.failures).bind_iter())
        .bind(ends.iter().map(|end| end.losses).bind_iter())
        .bind(ends.iter().map(|end| end.hand_backs).bind_iter())
        .bind(next().map(|again| again.and_then(|again| again.note.as_deref()).map(without_nul)).bind_iter())
        .bind(ends.iter().map(|end| end.held.is_some()).bind_iter())
        .persistent(steady)
        .fetch_all(connection)
        .await
        .map_err(fault)?;
    rows.iter().map(|row| row.try_get(0).map_err(fault)).collect()
}

impl PostgresStore {
    pub(super) async fn claim_ready(&self, claim: Claim) -> Result<Vec<Run>> {
        giving_way!(self, self.claim_once(&claim))
    }

    async fn claim_once(&self, claim: &Claim) -> Result<Vec<Run>> {
        let (names, shapes): (Vec<_>, Vec<_>) = claim.except.iter().partition(|(_, shape)| shape.is_empty());
        if shapes.is_empty() {
            if let Some(seen) = claim.trail.follow() {
                let runs = self.claim_pair(claim, &seen.queue, &seen.job, seen.last).await?;
                if !runs.is_empty() {
                    return Ok(runs);
                }
            }
            let looked = Instant::now();
            match &mut *self.claimable(claim, &names).await? {
                [] => return Ok(Vec::new()),
                [(queue, job)] => {
                    claim.trail.learn(queue.clone(), job.clone(), looked);
                    return self.claim_pair(claim, queue, job, None).await;
                }
                _ => {}
            }
        }
        let statement = if shapes.is_empty() { &self.sql.claim } else { &self.claim_filtered };
        let mut query = sqlx::query(safe(statement))
            .bind(claim.worker)
            .bind(&claim.build)
            .bind(claim.queues.as_deref())
            .bind(i64::from(claim.limit))
            .bind(&claim.except_queues)
            .bind(claim.only.as_deref())
            .bind(names.iter().map(|(job, _)| job).bind_iter())
            .persistent(self.steady);
        if !shapes.is_empty() {
            query = query
                .bind(shapes.iter().map(|(job, _)| job).bind_iter())
                .bind(shapes.iter().map(|(_, shape)| shape).bind_iter());
        }
        let mut alone = self.alone_unless_kept("claim jobs").await?;
        let rows = query.fetch_all(alone.connection()).await.map_err(self.fault("claim jobs"))?;
        let mut runs = each(&rows, "job_processes", |row| row.run())?;
        alone.done(self).await?;
        // RETURNING promises no order; the tokens were given in that of the requests.
        runs.sort_unstable_by_key(|run| run.token);
        Ok(runs)
    }

    /// Up to two of the pairs of queue and job that have something for this claim: that there is only one is what
    /// matters.
    async fn claimable(&self, claim: &Claim, names: &[&(String, String)]) -> Result<Vec<(String, String)>> {
        let rows = sqlx::query(safe(&self.sql.claimable))
            .bind(claim.worker)
            .bind(claim.queues.as_deref())
            .bind(&claim.except_queues)
            .bind(claim.only.as_deref())
            .bind(names.iter().map(|(job, _)| job).bind_iter())
            .fetch_all(&self.pool)
            .await
            .map_err(self.fault("look for ready jobs"))?;
        each(&rows, "job_requests", |row| Ok((row.get("queue")?, row.get("job")?)))
    }

    /// Claims jobs of one queue and name, known to be the only ones, from a place on.
    async fn claim_pair(&self, claim: &Claim, queue: &str, job: &str, after: Option<Place>) -> Result<Vec<Run>> {
        let statement = if after.is_some() { &self.claim_onward } else { &self.sql.claim_one };
        let mut query = sqlx::query(safe(statement))
            .bind(claim.worker)
            .bind(&claim.build)
            .bind(queue)
            .bind(job)
            .bind(i64::from(claim.limit))
            .persistent(self.steady);
        if let Some(after) = after {
            query = query.bind(after.priority).bind(after.due_at).bind(after.seq);
        }
        let mut alone = self.alone_unless_kept("claim jobs").await?;
        let rows = query.fetch_all(alone.connection()).await.map_err(self.fault("claim jobs"))?;
        let mut runs = each(&rows, "job_processes", |row| Ok((row.run()?, row.get::<i64>("seq")?)))?;
        alone.done(self).await?;
        runs.sort_unstable_by_key(|(run, _)| run.token);
        match runs.last() {
            Some((run, seq)) if runs.len() >= claim.limit as usize => {
                claim.trail.advance(Place { priority: run.priority, due_at: run.due_at, seq: *seq });
            }
            // What is left has another priority, or there is nothing.
            _ => claim.trail.forget(),
        }
        Ok(runs.into_iter().map(|(run, _)| run).collect())
    }

    pub(super) async fn record_ends(&self, ends: &[Finish]) -> Result<Vec<RunToken>> {
        giving_way!(self, self.record_once(ends))
    }

    async fn record_once(&self, ends: &[Finish]) -> Result<Vec<RunToken>> {
        let mut alone = self.alone_unless_kept("record the end of jobs").await?;
        let recorded =
            finish_on(alone.connection(), &self.sql, ends, self.steady, &self.fault("record the end of jobs")).await?;
        alone.done(self).await?;
        Ok(recorded)
    }

    pub(super) async fn notices_for(&self, worker: WorkerId, running: Vec<RunToken>) -> Result<Vec<Notice>> {
        if running.is_empty() {
            return Ok(Vec::new());
        }
        let fault = self.fault("look after running jobs");
        let rows = sqlx::query(safe(&self.sql.notices))
            .bind(worker)
            .bind(running)
            .fetch_all(&self.pool)
            .await
            .map_err(&fault)?;
        each(&rows, "job_processes", |row| Ok(Notice { token: row.get("token")?, reason: row.word("reason")? }))
    }
}
