-- Puts requests in, in their order; what is stored already stays as it is. $1 to $18: a column each.
INSERT INTO {schema}.job_requests (
    id, state, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, retries, timeout_ms, on_lost,
    unique_key, unique_until, metadata, source, trace_context, slot)
SELECT id, CASE WHEN due <= {now} THEN 'ready' ELSE 'scheduled' END, job, queue, priority, due, {now},
       {now} + expires_in * interval '1 microsecond', arguments::json, shape, retries, timeout_ms, on_lost, unique_key,
       unique_until, metadata::json, source, trace_context, slot
  FROM (SELECT *, CASE WHEN due_at IS NULL THEN {now} + coalesce(due_in, 0) * interval '1 microsecond'
                       ELSE greatest(due_at, {now}) END AS due
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::bigint[], $7::bigint[],
                      $8::text[], $9::text[], $10::integer[], $11::bigint[], $12::text[], $13::text[], $14::text[],
                      $15::text[], $16::text[], $17::text[], $18::timestamptz[])
               WITH ORDINALITY
               AS r (id, job, queue, priority, due_at, due_in, expires_in, arguments, shape, retries, timeout_ms, on_lost,
                     unique_key, unique_until, metadata, source, trace_context, slot, place)) AS new
 ORDER BY place
ON CONFLICT (id) DO NOTHING
