-- Writes the history of waiting requests that are worth nothing any more. ?1: how many at most.
INSERT INTO {prefix}job_results (
    status, error, final, state, ended_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT 'cancelled', 'expired before it could start', 1, 'expired', {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM {prefix}job_requests
 WHERE expires_at IS NOT NULL AND expires_at <= {now}
 ORDER BY expires_at
 LIMIT ?1
RETURNING seq, id, job, unique_key
