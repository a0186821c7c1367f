-- Puts a worker's row in, or renews it. $10: how it shows that it lives.
INSERT INTO {schema}.workers (
    id, host, pid, version, build, queues, knows, concurrency, started_at, heartbeat_at, lease_ms, hold)
VALUES ($1, $2, $3, $4, $5, $6::text::json, $7::text::json, $8, {now}, {now}, $9, $10)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, hold = excluded.hold
