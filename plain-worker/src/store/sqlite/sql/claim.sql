-- Gives ready requests to a worker, in their order, each as a new run; `claim_delete.sql` follows in the same
-- transaction. ?1: worker, ?2: build, ?3: queues (JSON), ?4: how many; the filter has ?5 and ?6.
INSERT INTO {prefix}job_processes (
    worker_id, build, started_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT ?1, ?2, {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt + 1, failures, losses,
       hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM {prefix}job_requests
 WHERE seq IN (
    SELECT r.seq
      FROM json_each(?3) q
      JOIN {prefix}job_requests r ON r.seq IN (
           SELECT c.seq
             FROM {prefix}job_requests c
            WHERE c.state = 'ready' AND c.queue = q.value {filter}
            ORDER BY c.priority DESC, c.due_at, c.seq
            LIMIT ?4)
     ORDER BY r.priority DESC, r.due_at, r.seq
     LIMIT ?4)
RETURNING *, expires_at <= started_at AS expired
