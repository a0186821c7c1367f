-- The pairs of queue and job that may be claimed and have ready requests: one index step a pair. $1: worker, $2: queues
-- (null for all), $3: no queues of these, $4: jobs (null for all), $5: no jobs of these.
WITH RECURSIVE ready (queue, job) AS (
    -- All pairs of queue and job that have ready requests: one index step a pair.
    (SELECT queue, job
       FROM {schema}.job_requests
      WHERE state = 'ready' AND $2::text[] IS NULL
      ORDER BY queue, job
      LIMIT 1)
    UNION ALL
    SELECT next.queue, next.job
      FROM ready
     CROSS JOIN LATERAL (
           SELECT r.queue, r.job
             FROM {schema}.job_requests r
            WHERE r.state = 'ready' AND (r.queue, r.job) > (ready.queue, ready.job)
            ORDER BY r.queue, r.job
            LIMIT 1) next
),
-- The same for the named queues.
named (queue, job) AS (
    SELECT s.queue, next.job
      FROM (SELECT DISTINCT unnest($2::text[]) AS queue) s
     CROSS JOIN LATERAL (
           SELECT r.job FROM {schema}.job_requests r WHERE r.state = 'ready' AND r.queue = s.queue ORDER BY r.job LIMIT 1) next
    UNION ALL
    SELECT named.queue, next.job
      FROM named
     CROSS JOIN LATERAL (
           SELECT r.job
             FROM {schema}.job_requests r
            WHERE r.state = 'ready' AND r.queue = named.queue AND r.job > named.job
            ORDER BY r.job
            LIMIT 1) next
),
served AS (
    SELECT s.queue, s.job
      FROM (SELECT queue, job FROM ready UNION ALL SELECT queue, job FROM named) s
     WHERE s.queue <> ALL ($3::text[]) AND ($4::text[] IS NULL OR s.job = ANY ($4)) AND s.job <> ALL ($5::text[])
       AND NOT EXISTS (SELECT 1
                         FROM {schema}.pauses p
                        WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = $1::uuid::text
                           OR p.kind = 'queue' AND p.name = s.queue OR p.kind = 'job' AND p.name = s.job)
)
SELECT queue, job FROM served LIMIT 2
