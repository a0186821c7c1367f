-- Puts in one request that is due now. $1 to $14: its columns.
INSERT INTO {schema}.job_requests (
    id, state, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, retries, timeout_ms, on_lost,
    metadata, source, trace_context, slot)
VALUES ($1, 'ready', $2, $3, $4, {now}, {now}, {now} + $5 * interval '1 microsecond', $6::json, $7, $8, $9, $10,
        $11::json, $12, $13, $14)
