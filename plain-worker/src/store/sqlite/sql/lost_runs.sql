-- Runs whose worker is gone or past its lease. ?1: how many at most.
SELECT p.*, 0 AS expired
  FROM {prefix}job_processes p
 WHERE p.worker_id NOT IN (SELECT id FROM {prefix}workers WHERE heartbeat_at > {now} - lease_ms * 1000)
 ORDER BY p.run_token
 LIMIT ?1
