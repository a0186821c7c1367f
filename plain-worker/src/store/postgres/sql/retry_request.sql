-- Makes a waiting job ready now, with all its retries. $1: id.
UPDATE {schema}.job_requests
   SET state = 'ready', due_at = least(due_at, {now}), failures = 0, losses = 0, note = NULL
 WHERE id = $1
