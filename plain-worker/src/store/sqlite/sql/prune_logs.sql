-- Takes logs away whose job is gone. ?1: no younger than so many microseconds, since younger ones still have their job;
-- ?2: how many at most.
DELETE FROM {prefix}job_logs
 WHERE run_token IN (
    SELECT l.run_token
      FROM {prefix}job_logs l
     WHERE l.written_at <= {now} - ?1
       AND NOT EXISTS (SELECT 1 FROM {prefix}job_results w WHERE w.id = l.id)
       AND NOT EXISTS (SELECT 1 FROM {prefix}job_processes w WHERE w.id = l.id)
       AND NOT EXISTS (SELECT 1 FROM {prefix}job_requests w WHERE w.id = l.id)
     ORDER BY l.written_at
     LIMIT ?2)
