-- Whether something keeps a drain from its end: due requests, or runs of the worker or of dead ones.
-- ?1: worker, ?2: queues (JSON, null for all), ?3: names that the worker knows (JSON).
WITH RECURSIVE ready (queue, job) AS (
    SELECT queue, job
      FROM {prefix}job_requests
     WHERE seq = (SELECT f.seq
                    FROM {prefix}job_requests f
                   WHERE f.state = 'ready'
                   ORDER BY f.queue, f.job
                   LIMIT 1)
    UNION ALL
    SELECT r.queue, r.job
      FROM ready
      JOIN {prefix}job_requests r
        ON r.seq = coalesce((SELECT n.seq
                               FROM {prefix}job_requests n
                              WHERE n.state = 'ready' AND n.queue = ready.queue AND n.job > ready.job
                              ORDER BY n.job
                              LIMIT 1),
                            (SELECT n.seq
                               FROM {prefix}job_requests n
                              WHERE n.state = 'ready' AND n.queue > ready.queue
                              ORDER BY n.queue, n.job
                              LIMIT 1))
)
SELECT EXISTS (SELECT 1
                 FROM {prefix}job_processes p
                WHERE (?2 IS NULL OR p.queue IN (SELECT value FROM json_each(?2)))
                  AND p.worker_id NOT IN (SELECT id FROM {prefix}workers
                                           WHERE heartbeat_at > {now} - lease_ms * 1000 AND id <> ?1))
    OR EXISTS (SELECT 1
                 FROM (SELECT queue, job FROM ready
                       UNION ALL
                       SELECT queue, job
                         FROM {prefix}job_requests
                        WHERE state IN ('scheduled', 'retrying') AND due_at <= {now}) r
                WHERE (?2 IS NULL OR r.queue IN (SELECT value FROM json_each(?2)))
                  AND r.job IN (SELECT value FROM json_each(?3))
                  AND NOT EXISTS (SELECT 1
                                    FROM {prefix}pauses p
                                   WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = ?1
                                      OR p.kind = 'queue' AND p.name = r.queue OR p.kind = 'job' AND p.name = r.job))
