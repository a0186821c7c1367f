-- All schedules, with the clock and whether the latest run of each waits or runs.
SELECT s.name, s.job, s.queue, s.expression, s.timezone, s.arguments::text AS arguments, s.catch_up, s.overlap, s.window_ms,
       s.fingerprint, s.generation, s.dynamic, s.created_at, s.changed_at, s.settled_at, s.waiting, s.last_slot,
       s.last_job_id, s.skipped, s.last_skip, s.skip_reason, s.run_now_id, s.paused_at, s.paused_by, {now} AS now,
       EXISTS (SELECT 1 FROM {schema}.job_requests WHERE id = s.last_job_id)
       OR EXISTS (SELECT 1 FROM {schema}.job_processes WHERE id = s.last_job_id) AS busy
  FROM {schema}.schedules s
 ORDER BY s.name
