-- Writes the end of a waiting job that is cancelled. ?1: id, ?2: why.
INSERT INTO {prefix}job_results (
    status, error, final, state, ended_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT 'cancelled', ?2, 1, 'cancelled', {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM {prefix}job_requests
 WHERE id = ?1
RETURNING seq, id, job, unique_key
