-- Puts the row of a schedule in code in, or changes it. New times begin now. $1 to $9: the definition, $10: its fingerprint.
INSERT INTO {schema}.schedules AS s (
    name, job, queue, expression, timezone, arguments, catch_up, overlap, window_ms, fingerprint, dynamic, created_at,
    changed_at, settled_at)
VALUES ($1, $2, $3, $4, $5, $6::text::json, $7, $8, $9, $10, false, {now}, {now}, {now})
ON CONFLICT (name) DO UPDATE
   SET job = excluded.job, queue = excluded.queue, expression = excluded.expression, timezone = excluded.timezone,
       arguments = excluded.arguments, catch_up = excluded.catch_up, overlap = excluded.overlap,
       window_ms = excluded.window_ms, fingerprint = excluded.fingerprint, changed_at = excluded.changed_at,
       generation = s.generation + 1,
       settled_at = CASE WHEN (s.job, s.expression, s.timezone) = (excluded.job, excluded.expression, excluded.timezone)
                         THEN s.settled_at ELSE excluded.settled_at END,
       waiting = CASE WHEN (s.job, s.expression, s.timezone) = (excluded.job, excluded.expression, excluded.timezone)
                      THEN s.waiting ELSE '{}' END
 WHERE NOT s.dynamic AND s.fingerprint <> excluded.fingerprint
