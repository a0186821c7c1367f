-- The workers within their lease.
SELECT id, queues::text AS queues, knows::text AS knows, schedules::text AS schedules, started_at
  FROM {schema}.workers
 WHERE heartbeat_at > {now} - lease_ms * interval '1 millisecond'
