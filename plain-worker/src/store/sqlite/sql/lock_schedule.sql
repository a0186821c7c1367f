-- A schedule as it stands now; the transaction holds the file's lock. ?1: name.
SELECT s.generation, s.settled_at, s.paused_at IS NOT NULL AS paused, s.waiting, s.run_now_id, s.last_job_id, {now} AS now,
       EXISTS (SELECT 1 FROM {prefix}job_requests WHERE id = s.last_job_id)
       OR EXISTS (SELECT 1 FROM {prefix}job_processes WHERE id = s.last_job_id) AS busy
  FROM {prefix}schedules s
 WHERE s.name = ?1
