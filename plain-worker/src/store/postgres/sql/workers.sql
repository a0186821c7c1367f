-- All workers that have a row, with what they run.
SELECT w.id, w.host, w.pid::bigint AS pid, w.version, w.build, w.queues::text AS queues, w.knows::text AS knows,
       w.concurrency::bigint AS concurrency, w.started_at, w.heartbeat_at,
       w.heartbeat_at > {now} - w.lease_ms * interval '1 millisecond' AS alive,
       (SELECT count(*) FROM {schema}.job_processes p WHERE p.worker_id = w.id) AS running
  FROM {schema}.workers w
 ORDER BY w.started_at, w.id
