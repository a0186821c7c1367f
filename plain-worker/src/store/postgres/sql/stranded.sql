-- Runs of workers that have shown no sign of life for a minute more than they may.
SELECT p.id, p.job
  FROM {schema}.job_processes p
  LEFT JOIN {schema}.workers w ON w.id = p.worker_id
 WHERE p.started_at < {now} - interval '60 s'
   AND (w.id IS NULL OR w.heartbeat_at + w.lease_ms * interval '1 millisecond' < {now} - interval '60 s')
 ORDER BY p.run_token
 LIMIT 20
