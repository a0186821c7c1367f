-- All schedules, with the clock and whether the latest run of each waits or runs.
SELECT s.*, {now} AS now,
       EXISTS (SELECT 1 FROM {prefix}job_requests WHERE id = s.last_job_id)
       OR EXISTS (SELECT 1 FROM {prefix}job_processes WHERE id = s.last_job_id) AS busy
  FROM {prefix}schedules s
 ORDER BY s.name
