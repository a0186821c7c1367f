-- The workers within their lease.
SELECT id, queues, knows, schedules, started_at FROM {prefix}workers WHERE heartbeat_at > {now} - lease_ms * 1000
