-- All workers that have a row, with what they run.
SELECT w.*, w.heartbeat_at > {now} - w.lease_ms * 1000 AS alive,
       (SELECT count(*) FROM {prefix}job_processes p WHERE p.worker_id = w.id) AS running
  FROM {prefix}workers w
 ORDER BY w.started_at, w.id
