-- Makes a waiting job ready now, with all its retries. $1: id, $2: other arguments, $3: their shape.
UPDATE {schema}.job_requests
   SET state = 'ready', due_at = least(due_at, {now}), failures = 0, losses = 0, note = NULL,
       arguments = coalesce($2::json, arguments), shape = coalesce($3, shape)
 WHERE id = $1
