-- Changes a job that waits. $1: id, $2: priority, $3: queue, $4: whether it is due now, $5: in how many microseconds,
-- $6: at which instant.
WITH wanted AS (
    SELECT CASE WHEN $4 THEN {now}
                WHEN $5::bigint IS NOT NULL THEN {now} + $5::bigint * interval '1 microsecond'
                ELSE $6::timestamptz END AS due
)
UPDATE {schema}.job_requests
   SET priority = coalesce($2::smallint, priority),
       queue = coalesce($3::text, queue),
       due_at = CASE WHEN $4 THEN least(due_at, wanted.due) ELSE coalesce(wanted.due, due_at) END,
       state = CASE WHEN wanted.due IS NULL OR state IN ('blocked', 'parked') THEN state
                    WHEN wanted.due <= {now} THEN 'ready'
                    WHEN state = 'ready' THEN 'scheduled'
                    ELSE state END
  FROM wanted
 WHERE id = $1
