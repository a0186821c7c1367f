-- Changes a dynamic schedule. New times begin now. $1 to $9: the definition, $10: the generation that is replaced.
UPDATE {schema}.schedules
   SET job = $2, queue = $3, expression = $4, timezone = $5, arguments = $6::text::json, catch_up = $7, overlap = $8,
       window_ms = $9, changed_at = {now}, generation = generation + 1,
       settled_at = CASE WHEN (job, expression, timezone) = ($2, $4, $5) THEN settled_at ELSE {now} END,
       waiting = CASE WHEN (job, expression, timezone) = ($2, $4, $5) THEN waiting ELSE '{}' END
 WHERE name = $1 AND generation = $10 AND dynamic
