-- Moves a waiting job; what is null stays. ?1: id, ?2: queue, ?3: priority, ?4: when it is due.
UPDATE {prefix}job_requests
   SET queue = coalesce(?2, queue),
       priority = coalesce(?3, priority),
       due_at = coalesce(?4, due_at),
       state = CASE WHEN ?4 IS NULL OR state IN ('blocked', 'parked') THEN state
                    WHEN ?4 <= {now} THEN 'ready'
                    WHEN state = 'retrying' THEN state
                    ELSE 'scheduled' END
 WHERE id = ?1
