-- As `claim.sql`, of one queue and one job, known to be the only ones: planned once and walked straight along the index.
-- $1: worker, $2: build, $3: queue, $4: job, $5: how many; `{bound}` has $6 to $8.
WITH picked AS MATERIALIZED (
    SELECT c.ctid AS place
      FROM {schema}.job_requests c
     WHERE c.state = 'ready' AND c.queue = $3 AND c.job = $4 {bound}
       AND NOT EXISTS (SELECT 1
                         FROM {schema}.pauses p
                        WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = $1::uuid::text
                           OR p.kind = 'queue' AND p.name = $3 OR p.kind = 'job' AND p.name = $4)
     ORDER BY c.priority DESC, c.due_at, c.seq
     LIMIT $5
       FOR UPDATE SKIP LOCKED
),
taken AS (
    DELETE FROM {schema}.job_requests r
     WHERE r.ctid = ANY (ARRAY(SELECT place FROM picked)) AND r.state = 'ready'
    RETURNING *
),
freed AS (
    DELETE FROM {schema}.unique_keys
     WHERE ctid = ANY (ARRAY(SELECT k.place
                               FROM taken
                              CROSS JOIN LATERAL (
                                    SELECT k.ctid AS place
                                      FROM {schema}.unique_keys k
                                     WHERE k.job = taken.job AND k.key = taken.unique_key AND k.id = taken.id
                                     LIMIT 1) k
                              WHERE taken.unique_until = 'start'))
)
INSERT INTO {schema}.job_processes (
    worker_id, build, started_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT $1, $2, {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt + 1, failures, losses,
       hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM taken
 ORDER BY priority DESC, due_at, seq
RETURNING run_token, id, job, queue, priority, due_at, enqueued_at, arguments::text AS arguments, shape, attempt, failures,
          losses, hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata::text AS metadata,
          trace_context, slot, started_at, coalesce(expires_at <= started_at, false) AS expired, seq
