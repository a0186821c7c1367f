-- Runs that go on long after their timeout.
SELECT id, job, worker_id, ({now} - started_at - timeout_ms * 1000) / 1000000 AS seconds
  FROM {prefix}job_processes
 WHERE timeout_ms IS NOT NULL AND started_at + timeout_ms * 1000 < {now} - 30000000
 ORDER BY started_at
 LIMIT 20
