-- Asks for the end of a run. $1: id, $2: why.
UPDATE {schema}.job_processes SET cancel_at = coalesce(cancel_at, {now}), cancel_reason = coalesce(cancel_reason, $2)
 WHERE id = $1
