-- Whether something keeps a drain from its end: due requests, or runs of the worker or of dead ones.
-- $1: worker, $2: queues (null for all), $3: names that the worker knows.
WITH RECURSIVE ready (queue, job) AS (
    -- All pairs of queue and job that have ready requests: one index step a pair.
    (SELECT queue, job
       FROM {schema}.job_requests
      WHERE state = 'ready'
      ORDER BY queue, job
      LIMIT 1)
    UNION ALL
    SELECT next.queue, next.job
      FROM ready
     CROSS JOIN LATERAL (
           SELECT r.queue, r.job
             FROM {schema}.job_requests r
            WHERE r.state = 'ready' AND (r.queue, r.job) > (ready.queue, ready.job)
            ORDER BY r.queue, r.job
            LIMIT 1) next
)
SELECT EXISTS (SELECT 1
                 FROM {schema}.job_processes p
                WHERE ($2::text[] IS NULL OR p.queue = ANY ($2))
                  AND p.worker_id NOT IN (SELECT id FROM {schema}.workers
                                           WHERE heartbeat_at > {now} - lease_ms * interval '1 ms' AND id <> $1))
    OR EXISTS (SELECT 1
                 FROM (SELECT queue, job FROM ready
                       UNION ALL
                       SELECT queue, job
                         FROM {schema}.job_requests
                        WHERE state IN ('scheduled', 'retrying') AND due_at <= {now}) r
                WHERE ($2::text[] IS NULL OR r.queue = ANY ($2))
                  AND r.job = ANY ($3)
                  AND NOT EXISTS (SELECT 1
                                    FROM {schema}.pauses p
                                   WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = $1::uuid::text
                                      OR p.kind = 'queue' AND p.name = r.queue OR p.kind = 'job' AND p.name = r.job))
