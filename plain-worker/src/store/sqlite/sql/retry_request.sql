-- Makes a waiting job ready now, with all its retries. ?1: id, ?2: other arguments, ?3: their shape.
UPDATE {prefix}job_requests
   SET state = 'ready', due_at = min(due_at, {now}), failures = 0, losses = 0, note = NULL,
       arguments = coalesce(?2, arguments), shape = coalesce(?3, shape)
 WHERE id = ?1
