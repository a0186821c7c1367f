-- Takes away the rows of these workers, as far as they hold nothing and have not beaten in the last moment. $1: workers.
DELETE FROM {schema}.workers w
 WHERE w.id = ANY ($1)
   AND w.heartbeat_at < {now} - interval '500 milliseconds'
   AND NOT EXISTS (SELECT 1 FROM {schema}.job_processes p WHERE p.worker_id = w.id)
