-- How many jobs wait and run in each queue. $1: what is counted at most.
WITH RECURSIVE names (queue) AS (
    -- All queues that hold ready jobs: one index step a queue.
    (SELECT queue FROM {schema}.job_requests WHERE state = 'ready' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT r.queue
              FROM {schema}.job_requests r
             WHERE r.state = 'ready' AND r.queue > names.queue
             ORDER BY r.queue
             LIMIT 1)
      FROM names
     WHERE names.queue IS NOT NULL
)
SELECT n.queue, 'ready' AS state, c.count, c.oldest
  FROM names n
 CROSS JOIN LATERAL (
       SELECT count(*) AS count, min(due_at) AS oldest
         FROM (SELECT r.due_at FROM {schema}.job_requests r WHERE r.state = 'ready' AND r.queue = n.queue LIMIT $1) bounded) c
 WHERE n.queue IS NOT NULL
UNION ALL
SELECT queue, state, count(*), min(due_at)
  FROM (SELECT queue, state, due_at
          FROM {schema}.job_requests
         WHERE state IN ('scheduled', 'retrying')
         ORDER BY due_at
         LIMIT $1) soonest
 GROUP BY queue, state
UNION ALL
SELECT queue, 'parked', count(*), min(due_at)
  FROM (SELECT queue, due_at FROM {schema}.job_requests WHERE state = 'parked' LIMIT $1) parked
 GROUP BY queue
UNION ALL
SELECT queue, 'running', count(*), min(started_at)
  FROM (SELECT queue, started_at FROM {schema}.job_processes LIMIT $1) running
 GROUP BY queue
