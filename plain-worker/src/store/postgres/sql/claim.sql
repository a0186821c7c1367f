-- Gives ready requests to a worker, in their order, each as a new run, and frees the keys that are held until the
-- start. $1: worker, $2: build, $3: queues (null for all), $4: how many; the filter has $5 to $7.
WITH RECURSIVE ready (queue) AS (
    -- All queues that have ready requests: one index step a queue.
    (SELECT queue FROM {schema}.job_requests WHERE state = 'ready' AND $3::text[] IS NULL ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT r.queue
              FROM {schema}.job_requests r
             WHERE r.state = 'ready' AND r.queue > ready.queue
             ORDER BY r.queue
             LIMIT 1)
      FROM ready
     WHERE ready.queue IS NOT NULL
),
served AS MATERIALIZED (
    SELECT s.queue
      FROM (SELECT queue FROM ready UNION SELECT unnest($3::text[])) s
     WHERE s.queue IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM {schema}.queues q WHERE q.name = s.queue AND q.paused_at IS NOT NULL)
),
-- How many come from which queue: looked up without locks, so that only what is taken is locked.
quota AS MATERIALIZED (
    SELECT queue, $4::bigint AS n FROM served WHERE (SELECT count(*) FROM served) = 1
    UNION ALL
    SELECT top.queue, count(*)
      FROM (SELECT served.queue
              FROM served
             CROSS JOIN LATERAL (
                   SELECT c.priority, c.due_at, c.seq
                     FROM {schema}.job_requests c
                    WHERE c.state = 'ready' AND c.queue = served.queue {filter}
                    ORDER BY c.priority DESC, c.due_at, c.seq
                    LIMIT $4) c
             WHERE (SELECT count(*) FROM served) > 1
             ORDER BY c.priority DESC, c.due_at, c.seq
             LIMIT $4) top
     GROUP BY top.queue
),
first AS MATERIALIZED (
    SELECT c.place, c.priority, c.due_at, c.seq
      FROM quota
     CROSS JOIN LATERAL (
           SELECT c.ctid AS place, c.priority, c.due_at, c.seq
             FROM {schema}.job_requests c
            WHERE c.state = 'ready' AND c.queue = quota.queue {filter}
            ORDER BY c.priority DESC, c.due_at, c.seq
            LIMIT quota.n
              FOR UPDATE SKIP LOCKED) c
),
-- Where others took a queue's share in this moment, the other queues fill the gap.
more AS MATERIALIZED (
    SELECT c.place, c.priority, c.due_at, c.seq
      FROM served
     CROSS JOIN LATERAL (
           SELECT c.ctid AS place, c.priority, c.due_at, c.seq
             FROM {schema}.job_requests c
            WHERE c.state = 'ready' AND c.queue = served.queue {filter}
            ORDER BY c.priority DESC, c.due_at, c.seq
            LIMIT $4
              FOR UPDATE SKIP LOCKED) c
     WHERE (SELECT count(*) FROM first) < $4 AND (SELECT count(*) FROM served) > 1
),
picked AS MATERIALIZED (
    SELECT place
      FROM (SELECT * FROM first UNION SELECT * FROM more) c
     ORDER BY c.priority DESC, c.due_at, c.seq
     LIMIT $4
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
          trace_context, slot, started_at, coalesce(expires_at <= started_at, false) AS expired
