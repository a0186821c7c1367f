-- What keeps a drain from its end: due requests, and runs of the worker and of dead ones.
-- $1: worker, $2: queues (null for all), $3: names that the worker knows.
SELECT (SELECT count(*)
          FROM {schema}.job_processes p
         WHERE ($2::text[] IS NULL OR p.queue = ANY ($2))
           AND p.worker_id NOT IN (SELECT id FROM {schema}.workers
                                    WHERE heartbeat_at > {now} - lease_ms * interval '1 ms' AND id <> $1))
     + (SELECT count(*)
          FROM {schema}.job_requests r
         WHERE (r.state = 'ready' OR r.state IN ('scheduled', 'retrying') AND r.due_at <= {now})
           AND ($2::text[] IS NULL OR r.queue = ANY ($2))
           AND r.job = ANY ($3)
           AND NOT EXISTS (SELECT 1
                             FROM {schema}.pauses p
                            WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = $1::uuid::text
                               OR p.kind = 'queue' AND p.name = r.queue OR p.kind = 'job' AND p.name = r.job))
