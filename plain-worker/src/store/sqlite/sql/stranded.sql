-- Runs of workers that have shown no sign of life for a minute more than they may.
SELECT p.id, p.job
  FROM {prefix}job_processes p
  LEFT JOIN {prefix}workers w ON w.id = p.worker_id
 WHERE p.started_at < {now} - 60000000
   AND (w.id IS NULL OR w.heartbeat_at + w.lease_ms * 1000 < {now} - 60000000)
 ORDER BY p.run_token
 LIMIT 20
