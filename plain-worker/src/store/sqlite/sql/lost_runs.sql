-- Runs that a worker holds. ?1: worker, ?2: how many at most.
SELECT run_token, id, job, queue, priority, due_at, enqueued_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, slot, 0 AS expired
  FROM {prefix}job_processes
 WHERE worker_id = ?1
 ORDER BY run_token
 LIMIT ?2
