-- What can be seen of all workers, but for what they hold.
SELECT w.id, w.hold, w.heartbeat_at AS beat, {now} - w.heartbeat_at AS silent, w.lease_ms,
       EXISTS (SELECT 1 FROM {prefix}job_processes p WHERE p.worker_id = w.id) AS busy
  FROM {prefix}workers w
UNION ALL
-- One whose row was taken away may hold on still.
SELECT DISTINCT p.worker_id, 'file', NULL, NULL, NULL, 1
  FROM {prefix}job_processes p
 WHERE p.worker_id NOT IN (SELECT id FROM {prefix}workers)
