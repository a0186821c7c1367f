-- Runs that go on long after their timeout.
SELECT id, job, worker_id,
       extract(epoch FROM {now} - started_at - timeout_ms * interval '1 millisecond')::bigint AS seconds
  FROM {schema}.job_processes
 WHERE timeout_ms IS NOT NULL AND started_at + timeout_ms * interval '1 millisecond' < {now} - interval '30 s'
 ORDER BY started_at
 LIMIT 20
