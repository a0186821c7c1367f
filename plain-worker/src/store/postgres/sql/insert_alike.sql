-- Puts in requests that differ in their ids and arguments only, in their order. $1 to $14: as in `insert_one.sql`, but that
-- $1 and $6 are columns; $15: when they are due, $16: else after how many microseconds.
WITH due AS MATERIALIZED (
    SELECT {now} AS now,
           CASE WHEN $15::timestamptz IS NULL THEN {now} + coalesce($16::bigint, 0) * interval '1 microsecond'
                ELSE greatest($15, {now})
           END AS at
)
INSERT INTO {schema}.job_requests (
    id, state, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, retries, timeout_ms, on_lost,
    metadata, source, trace_context, slot)
SELECT r.id, CASE WHEN due.at <= due.now THEN 'ready' ELSE 'scheduled' END, $2, $3, $4, due.at, due.now,
       due.now + $5 * interval '1 microsecond', r.arguments::json, $7, $8, $9, $10, $11::json, $12, $13, $14
  FROM unnest($1::uuid[], $6::text[]) AS r (id, arguments)
 CROSS JOIN due
