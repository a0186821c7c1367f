-- Lets jobs wait again whose runs are still held. ?1: a JSON list of ends.
WITH clock (now) AS MATERIALIZED (SELECT {now})
INSERT INTO {prefix}job_requests (
    state, note,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT f.value ->> 'state', f.value ->> 'note',
       p.seq, p.id, p.job, p.queue, p.priority,
       CASE WHEN f.value ->> 'delay' = 0 THEN p.due_at ELSE clock.now + (f.value ->> 'delay') END,
       p.enqueued_at, p.expires_at, p.arguments, p.shape, f.value ->> 'attempt', f.value ->> 'failures',
       f.value ->> 'losses', f.value ->> 'hand_backs', p.retries, p.timeout_ms, p.on_lost, p.unique_key,
       p.unique_until, p.metadata, p.source, p.trace_context, p.slot
  FROM json_each(?1) f
  JOIN {prefix}job_processes p ON p.run_token = f.value ->> 'token', clock
 WHERE NOT f.value ->> 'final'
