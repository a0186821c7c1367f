-- Runs that a worker holds. ?1: worker, ?2: how many at most.
SELECT p.*, 0 AS expired
  FROM {prefix}job_processes p
 WHERE p.worker_id = ?1
 ORDER BY p.run_token
 LIMIT ?2
