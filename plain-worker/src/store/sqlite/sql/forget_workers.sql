-- Takes away workers that are past their lease and hold nothing.
DELETE FROM {prefix}workers
 WHERE heartbeat_at <= {now} - lease_ms * 1000
   AND NOT EXISTS (SELECT 1 FROM {prefix}job_processes p WHERE p.worker_id = {prefix}workers.id)
