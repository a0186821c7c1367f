-- Puts the row of a schedule in code in, or changes it. New times begin now. ?1 to ?9: the definition, ?10: its fingerprint.
INSERT INTO {prefix}schedules (
    name, job, queue, expression, timezone, arguments, catch_up, overlap, window_ms, fingerprint, dynamic, created_at,
    changed_at, settled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, {now}, {now}, {now})
ON CONFLICT (name) DO UPDATE
   SET job = excluded.job, queue = excluded.queue, expression = excluded.expression, timezone = excluded.timezone,
       arguments = excluded.arguments, catch_up = excluded.catch_up, overlap = excluded.overlap,
       window_ms = excluded.window_ms, fingerprint = excluded.fingerprint, changed_at = excluded.changed_at,
       generation = generation + 1,
       settled_at = CASE WHEN (job, expression, timezone) IS (excluded.job, excluded.expression, excluded.timezone)
                         THEN settled_at ELSE excluded.settled_at END,
       waiting = CASE WHEN (job, expression, timezone) IS (excluded.job, excluded.expression, excluded.timezone)
                      THEN waiting ELSE '[]' END
 WHERE NOT dynamic AND fingerprint <> excluded.fingerprint
