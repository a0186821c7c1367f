-- Runs whose worker is gone or past its lease. $1: how many at most.
WITH RECURSIVE holders (worker_id) AS (
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
gone AS MATERIALIZED (
    SELECT h.worker_id
      FROM holders h
     WHERE h.worker_id IS NOT NULL
       AND NOT EXISTS (SELECT 1
                         FROM {schema}.workers w
                        WHERE w.id = h.worker_id AND w.heartbeat_at > {now} - w.lease_ms * interval '1 millisecond')
)
SELECT p.run_token, p.id, p.job, p.queue, p.priority, p.due_at, p.enqueued_at, p.arguments::text AS arguments, p.shape,
       p.attempt, p.failures, p.losses, p.hand_backs, p.retries, p.timeout_ms, p.on_lost, p.unique_key, p.unique_until,
       p.metadata::text AS metadata, p.trace_context, p.slot, p.started_at, false AS expired
  FROM gone
 CROSS JOIN LATERAL (
       SELECT * FROM {schema}.job_processes r WHERE r.worker_id = gone.worker_id ORDER BY r.run_token LIMIT $1) p
 ORDER BY p.run_token
 LIMIT $1
