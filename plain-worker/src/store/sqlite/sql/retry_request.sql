-- Makes a waiting job ready now, with all its retries. ?1: id.
UPDATE {prefix}job_requests
   SET state = 'ready', due_at = min(due_at, {now}), failures = 0, losses = 0, note = NULL
 WHERE id = ?1
