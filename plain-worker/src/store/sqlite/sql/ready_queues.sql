-- The queues that have ready requests and are not paused: one index step a queue.
WITH RECURSIVE ready (queue) AS (
    SELECT min(queue) FROM {prefix}job_requests WHERE state = 'ready'
    UNION ALL
    SELECT (SELECT min(r.queue) FROM {prefix}job_requests r WHERE r.state = 'ready' AND r.queue > ready.queue)
      FROM ready
     WHERE ready.queue IS NOT NULL
)
SELECT queue
  FROM ready
 WHERE queue IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM {prefix}queues q WHERE q.name = ready.queue AND q.paused_at IS NOT NULL)
