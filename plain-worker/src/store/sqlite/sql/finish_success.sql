-- Writes the history of runs that are still held, went well and gave nothing. ?1: a JSON list of run tokens.
INSERT INTO {prefix}job_results (
    run_token, status, final, state, worker_id, build, started_at, ended_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT run_token, 'successful', true, 'succeeded', worker_id, build, started_at, {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM {prefix}job_processes
 WHERE run_token IN (SELECT value FROM json_each(?1))
