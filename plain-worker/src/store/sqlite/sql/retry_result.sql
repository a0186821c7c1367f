-- Lets an ended job wait again, with all its retries; `retry_unfinal.sql` follows. ?1: id,
-- ?2: other arguments, ?3: their shape.
INSERT INTO {prefix}job_requests (
    state,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT 'ready', seq, id, job, queue, priority, {now}, enqueued_at, NULL, coalesce(?2, arguments), coalesce(?3, shape), attempt, 0, 0, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM {prefix}job_results
 WHERE id = ?1 AND final
