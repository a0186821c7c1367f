-- Writes the history of runs that are still held. ?1: a JSON list of ends.
INSERT INTO {prefix}job_results (
    run_token, status, error_kind, error, output, final, state, worker_id, build, started_at, ended_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT p.run_token, f.value ->> 'status', f.value ->> 'kind', f.value ->> 'error', f.value ->> 'output',
       f.value ->> 'final', f.value ->> 'state', p.worker_id, p.build, p.started_at, {now},
       p.seq, p.id, p.job, p.queue, p.priority, p.due_at, p.enqueued_at, p.expires_at, p.arguments, p.shape, p.attempt,
       f.value ->> 'failures', f.value ->> 'losses', f.value ->> 'hand_backs', p.retries, p.timeout_ms, p.on_lost, p.unique_key,
       p.unique_until, p.metadata, p.source, p.trace_context, p.slot
  FROM json_each(?1) f
  JOIN {prefix}job_processes p ON p.run_token = f.value ->> 'token'
 WHERE f.value ->> 'status' IS NOT NULL
