-- The pairs of queue and job that have ready requests and are not paused: one index step a pair. (Two where a queue ends:
-- SQLite compares pairs of columns by the first of them only.) ?1: worker.
WITH RECURSIVE ready (queue, job) AS (
    SELECT queue, job
      FROM {prefix}job_requests
     WHERE seq = (SELECT f.seq
                    FROM {prefix}job_requests f
                   WHERE f.state = 'ready'
                   ORDER BY f.queue, f.job
                   LIMIT 1)
    UNION ALL
    SELECT r.queue, r.job
      FROM ready
      JOIN {prefix}job_requests r
        ON r.seq = coalesce((SELECT n.seq
                               FROM {prefix}job_requests n
                              WHERE n.state = 'ready' AND n.queue = ready.queue AND n.job > ready.job
                              ORDER BY n.job
                              LIMIT 1),
                            (SELECT n.seq
                               FROM {prefix}job_requests n
                              WHERE n.state = 'ready' AND n.queue > ready.queue
                              ORDER BY n.queue, n.job
                              LIMIT 1))
)
SELECT queue, job
  FROM ready
 WHERE NOT EXISTS (SELECT 1
                     FROM {prefix}pauses p
                    WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = ?1
                       OR p.kind = 'queue' AND p.name = ready.queue OR p.kind = 'job' AND p.name = ready.job)
