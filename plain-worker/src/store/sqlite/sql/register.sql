-- Puts a worker's row in, or renews it. ?11: how it shows that it lives.
INSERT INTO {prefix}workers (
    id, host, pid, version, build, queues, knows, schedules, concurrency, started_at, heartbeat_at, lease_ms, hold)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, {now}, {now}, ?10, ?11)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, hold = excluded.hold
