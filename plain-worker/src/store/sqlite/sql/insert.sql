-- Puts requests in, but for those whose unique key is held by another job. ?1: a JSON list of requests.
WITH clock (now) AS MATERIALIZED (SELECT {now}),
new AS (
    SELECT r.key AS place, r.value AS v,
           coalesce(r.value ->> 'due_at', clock.now + coalesce(r.value ->> 'due_in', 0)) AS due_at
      FROM json_each(?1) r, clock
)
INSERT INTO {prefix}job_requests (
    id, state, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, retries, timeout_ms, on_lost,
    unique_key, unique_until, metadata, source, trace_context, slot)
SELECT v ->> 'id', CASE WHEN due_at <= clock.now THEN 'ready' ELSE 'scheduled' END, v ->> 'job', v ->> 'queue',
       v ->> 'priority', max(due_at, CASE WHEN v ->> 'due_at' IS NULL THEN due_at ELSE clock.now END), clock.now,
       clock.now + (v ->> 'expires_in'), v ->> 'arguments', v ->> 'shape', v ->> 'retries', v ->> 'timeout_ms',
       v ->> 'on_lost', v ->> 'unique_key', v ->> 'unique_until', v ->> 'metadata', v ->> 'source',
       v ->> 'trace_context', v ->> 'slot'
  FROM new, clock
 WHERE v ->> 'unique_key' IS NULL
    OR EXISTS (SELECT 1 FROM {prefix}unique_keys k
                WHERE k.job = v ->> 'job' AND k.key = v ->> 'unique_key' AND k.id = v ->> 'id')
 ORDER BY place
