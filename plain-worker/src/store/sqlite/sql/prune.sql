-- Takes away results past their retention, with the earlier attempts of their jobs. ?1: [state, age in microseconds],
-- many (JSON), ?2: how many jobs at most.
DELETE FROM {prefix}job_results
 WHERE id IN (
    SELECT p.id
      FROM json_each(?1) k
      JOIN {prefix}job_results p ON p.rowid IN (
           SELECT r.rowid
             FROM {prefix}job_results r
            WHERE r.state = k.value ->> 0 AND r.ended_at <= {now} - (k.value ->> 1)
              AND (r.final OR NOT EXISTS (SELECT 1 FROM {prefix}job_requests w WHERE w.id = r.id)
                          AND NOT EXISTS (SELECT 1 FROM {prefix}job_processes w WHERE w.id = r.id)
                          AND NOT EXISTS (SELECT 1 FROM {prefix}job_results w WHERE w.id = r.id AND w.final))
            ORDER BY r.ended_at
            LIMIT ?2)
     LIMIT ?2)
