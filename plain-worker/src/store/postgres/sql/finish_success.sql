-- As `finish.sql`, of runs that went well and hold no unique key. $1: tokens, in their order, $2: outputs.
WITH gone AS (
    DELETE FROM {schema}.job_processes p
     USING unnest($1::bigint[], $2::text[]) AS e (token, output)
     WHERE p.run_token = e.token
    RETURNING p.*, e.output
)
INSERT INTO {schema}.job_results (
    run_token, status, output, final, state, worker_id, build, started_at, ended_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses,
       hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT run_token, 'successful', output::json, true, 'succeeded', worker_id, build, started_at, {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses,
       hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM gone
RETURNING run_token
