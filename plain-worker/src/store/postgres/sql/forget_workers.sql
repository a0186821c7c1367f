-- Takes away workers that are past their lease and hold nothing.
DELETE FROM {schema}.workers w
 WHERE w.heartbeat_at <= {now} - w.lease_ms * interval '1 millisecond'
   AND NOT EXISTS (SELECT 1 FROM {schema}.job_processes p WHERE p.worker_id = w.id)
