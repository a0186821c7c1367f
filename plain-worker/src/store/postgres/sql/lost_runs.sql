-- Runs that a worker holds. $1: worker, $2: how many at most.
SELECT p.run_token, p.id, p.job, p.queue, p.priority, p.due_at, p.enqueued_at, p.arguments::text AS arguments, p.shape,
       p.attempt, p.failures, p.losses, p.hand_backs, p.retries, p.timeout_ms, p.on_lost, p.unique_key, p.unique_until,
       p.metadata::text AS metadata, p.trace_context, p.slot, p.started_at, false AS expired
  FROM {schema}.job_processes p
 WHERE p.worker_id = $1
 ORDER BY p.run_token
 LIMIT $2
