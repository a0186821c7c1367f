-- Takes away results past their retention. ?1: of dead jobs, ?2: of others, in microseconds; ?3: how many at most.
DELETE FROM {prefix}job_results
 WHERE rowid IN (
    SELECT r.rowid
      FROM {prefix}job_results r
     WHERE r.ended_at <= {now} - min(?1, ?2)
       AND (r.ended_at <= {now} - CASE r.state WHEN 'dead' THEN ?1 ELSE ?2 END)
       AND (r.final OR NOT EXISTS (SELECT 1 FROM {prefix}job_requests w WHERE w.id = r.id)
                   AND NOT EXISTS (SELECT 1 FROM {prefix}job_processes w WHERE w.id = r.id)
                   AND NOT EXISTS (SELECT 1 FROM {prefix}job_results w WHERE w.id = r.id AND w.final))
     ORDER BY r.ended_at
     LIMIT ?3)
