-- Renews a worker's heartbeat and looks at the others. $1: worker, $2: how it shows that it lives. Its own row comes
-- back among the others, if it has one still.
WITH RECURSIVE own AS (
    UPDATE {schema}.workers SET heartbeat_at = {now}, hold = $2 WHERE id = $1 RETURNING id
),
holders (worker_id) AS (
    -- All workers that hold runs: one index step a worker.
    (SELECT worker_id FROM {schema}.job_processes ORDER BY worker_id LIMIT 1)
    UNION ALL
    SELECT (SELECT p.worker_id
              FROM {schema}.job_processes p
             WHERE p.worker_id > holders.worker_id
             ORDER BY p.worker_id
             LIMIT 1)
      FROM holders
     WHERE holders.worker_id IS NOT NULL
),
seen AS MATERIALIZED (
    SELECT w.id, w.hold, w.heartbeat_at, w.lease_ms
      FROM {schema}.workers w
     WHERE w.id <> $1
    UNION ALL
    -- One whose row was taken away may hold on still.
    SELECT h.worker_id, 'session', NULL, NULL
      FROM holders h
     WHERE h.worker_id <> $1 AND NOT EXISTS (SELECT 1 FROM {schema}.workers w WHERE w.id = h.worker_id)
)
SELECT s.id, (extract(epoch FROM s.heartbeat_at) * 1000000)::bigint AS beat,
       (extract(epoch FROM {now} - s.heartbeat_at) * 1000000)::bigint AS silent, s.lease_ms,
       -- A lock of this statement alone; that of the worker is the low half of its id. Shared, since several look at once.
       CASE s.hold
           WHEN 'session' THEN NOT pg_try_advisory_xact_lock_shared(
               ('x' || right(replace(s.id::text, '-', ''), 16))::bit(64)::bigint)
       END AS held,
       EXISTS (SELECT 1 FROM {schema}.job_processes p WHERE p.worker_id = s.id) AS busy,
       pg_backend_pid() AS session,
       (extract(epoch FROM statement_timestamp() - pg_postmaster_start_time()) * 1000000)::bigint AS up
  FROM seen s
UNION ALL
SELECT own.id, NULL, NULL, NULL, NULL, false, pg_backend_pid(),
       (extract(epoch FROM statement_timestamp() - pg_postmaster_start_time()) * 1000000)::bigint
  FROM own
