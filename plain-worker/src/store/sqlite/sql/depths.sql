-- How many jobs wait and run in each queue. ?1: what is counted at most.
WITH RECURSIVE names (queue) AS (
    -- All queues that hold ready jobs: one index step a queue.
    SELECT min(queue) FROM {prefix}job_requests WHERE state = 'ready'
    UNION ALL
    SELECT (SELECT min(r.queue) FROM {prefix}job_requests r WHERE r.state = 'ready' AND r.queue > names.queue)
      FROM names
     WHERE names.queue IS NOT NULL
)
SELECT n.queue, 'ready' AS state,
       (SELECT count(*) FROM (SELECT 1 FROM {prefix}job_requests r WHERE r.state = 'ready' AND r.queue = n.queue LIMIT ?1)) AS count,
       (SELECT min(due_at)
          FROM (SELECT due_at FROM {prefix}job_requests r WHERE r.state = 'ready' AND r.queue = n.queue LIMIT ?1)) AS oldest
  FROM names n
 WHERE n.queue IS NOT NULL
UNION ALL
SELECT queue, state, count(*), min(due_at)
  FROM (SELECT queue, state, due_at
          FROM {prefix}job_requests
         WHERE state IN ('scheduled', 'retrying')
         ORDER BY due_at
         LIMIT ?1)
 GROUP BY queue, state
UNION ALL
SELECT queue, 'parked', count(*), min(due_at)
  FROM (SELECT queue, due_at FROM {prefix}job_requests WHERE state = 'parked' LIMIT ?1)
 GROUP BY queue
UNION ALL
SELECT queue, 'running', count(*), min(started_at)
  FROM (SELECT queue, started_at FROM {prefix}job_processes LIMIT ?1)
 GROUP BY queue
