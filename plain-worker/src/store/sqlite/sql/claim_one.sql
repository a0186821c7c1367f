-- As `claim.sql`, of one queue and one job, known to be the only ones. ?1: worker, ?2: build, ?3: queue, ?4: job,
-- ?5: how many.
INSERT INTO {prefix}job_processes (
    worker_id, build, started_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT ?1, ?2, {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt + 1, failures, losses,
       hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM {prefix}job_requests
 WHERE seq IN (
    SELECT c.seq
      FROM {prefix}job_requests c
     WHERE c.state = 'ready' AND c.queue = ?3 AND c.job = ?4
     ORDER BY c.priority DESC, c.due_at, c.seq
     LIMIT ?5)
