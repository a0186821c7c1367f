-- Puts in requests that are due now, hold no key and differ in their ids and arguments only, in their order. ?1: a JSON list
-- of pairs of id and arguments; ?2 to ?13: the columns that they share.
INSERT INTO {prefix}job_requests (
    id, state, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, retries, timeout_ms, on_lost,
    metadata, source, trace_context, slot)
SELECT r.value ->> 0, 'ready', ?2, ?3, ?4, {now}, {now}, {now} + ?5, r.value ->> 1, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
  FROM json_each(?1) r
 ORDER BY r.key
