-- Takes logs away whose job is gone. OFFSET 0: each is looked up by its index; else the planner may read the tables whole,
-- to hash them. $1: up to when, since younger ones still have their job; $2: how many at most.
DELETE FROM {schema}.job_logs
 WHERE ctid = ANY (ARRAY(
    SELECT l.ctid
      FROM {schema}.job_logs l
     WHERE l.written_at <= $1
       AND NOT EXISTS (SELECT 1 FROM {schema}.job_results w WHERE w.id = l.id OFFSET 0)
       AND NOT EXISTS (SELECT 1 FROM {schema}.job_processes w WHERE w.id = l.id OFFSET 0)
       AND NOT EXISTS (SELECT 1 FROM {schema}.job_requests w WHERE w.id = l.id OFFSET 0)
     ORDER BY l.written_at
     LIMIT $2
       FOR UPDATE OF l SKIP LOCKED))
