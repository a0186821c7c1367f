-- What keeps a drain from its end: due requests, and runs of the worker and of dead ones.
-- ?1: worker, ?2: queues (JSON, null for all), ?3: names that the worker knows (JSON).
SELECT (SELECT count(*)
          FROM {prefix}job_processes p
         WHERE (?2 IS NULL OR p.queue IN (SELECT value FROM json_each(?2)))
           AND p.worker_id NOT IN (SELECT id FROM {prefix}workers
                                    WHERE heartbeat_at > {now} - lease_ms * 1000 AND id <> ?1))
     + (SELECT count(*)
          FROM {prefix}job_requests r
         WHERE (r.state = 'ready' OR r.state IN ('scheduled', 'retrying') AND r.due_at <= {now})
           AND (?2 IS NULL OR r.queue IN (SELECT value FROM json_each(?2)))
           AND r.job IN (SELECT value FROM json_each(?3))
           AND NOT EXISTS (SELECT 1
                             FROM {prefix}pauses p
                            WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = ?1
                               OR p.kind = 'queue' AND p.name = r.queue OR p.kind = 'job' AND p.name = r.job))
