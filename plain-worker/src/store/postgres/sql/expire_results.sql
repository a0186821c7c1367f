-- Ends waiting requests that are worth nothing any more, and frees their keys. $1: how many at most.
WITH gone AS (
    DELETE FROM {schema}.job_requests
     WHERE ctid = ANY (ARRAY(SELECT ctid
                               FROM {schema}.job_requests
                              WHERE expires_at IS NOT NULL AND expires_at <= {now}
                              ORDER BY expires_at
                              LIMIT $1
                                FOR UPDATE SKIP LOCKED))
       AND expires_at <= {now}
    RETURNING *
),
freed AS (
    DELETE FROM {schema}.unique_keys
     WHERE ctid = ANY (ARRAY(SELECT k.place
                               FROM gone
                              CROSS JOIN LATERAL (
                                    SELECT k.ctid AS place
                                      FROM {schema}.unique_keys k
                                     WHERE k.job = gone.job AND k.key = gone.unique_key AND k.id = gone.id
                                     LIMIT 1) k))
)
INSERT INTO {schema}.job_results (
    status, error, final, state, ended_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT 'cancelled', 'expired before it could start', true, 'expired', {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM gone
