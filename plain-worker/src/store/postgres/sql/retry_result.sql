-- Lets an ended job wait again, with all its retries: the end that it had was not its last. $1: id,
-- $2: other arguments, $3: their shape.
WITH ended AS (
    UPDATE {schema}.job_results SET final = false WHERE id = $1 AND final RETURNING *
)
INSERT INTO {schema}.job_requests (
    state,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT 'ready', seq, id, job, queue, priority, {now}, enqueued_at, NULL, coalesce($2::json, arguments), coalesce($3, shape), attempt, 0, 0, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM ended
