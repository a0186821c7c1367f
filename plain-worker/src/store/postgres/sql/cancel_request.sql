-- Ends a waiting job that is cancelled, frees its key, and notes who did it, if anybody. $1: id, $2: why, $3: by whom.
WITH gone AS (
    DELETE FROM {schema}.job_requests WHERE id = $1 RETURNING *
),
freed AS (
    DELETE FROM {schema}.unique_keys k
     USING gone
     WHERE k.job = gone.job AND k.key = gone.unique_key AND k.id = gone.id
),
noted AS (
    INSERT INTO {schema}.audit (at, actor, action, target) SELECT {now}, $3, 'cancel', id::text FROM gone WHERE $3::text IS NOT NULL
),
ended AS (
    INSERT INTO {schema}.job_results (
        status, error, final, state, ended_at,
        seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
           retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
    SELECT 'cancelled', $2, true, 'cancelled', {now},
           seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
           retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
      FROM gone
)
SELECT count(*) FROM gone
