-- A schedule as it stands now, held against others; one that somebody else holds is theirs. $1: name.
SELECT s.generation, s.settled_at, s.paused_at IS NOT NULL AS paused, s.waiting, s.run_now_id, s.last_job_id, {now} AS now,
       EXISTS (SELECT 1 FROM {schema}.job_requests WHERE id = s.last_job_id)
       OR EXISTS (SELECT 1 FROM {schema}.job_processes WHERE id = s.last_job_id) AS busy
  FROM {schema}.schedules s
 WHERE s.name = $1
   FOR UPDATE OF s SKIP LOCKED
