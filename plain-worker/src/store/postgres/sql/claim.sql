-- Gives ready requests to a worker, in their order, each as a new run, and frees the keys that are held until the
-- start. $1: worker, $2: build, $3: queues (null for all), $4: how many, $5: no queues of these, $6: jobs (null for all),
-- $7: no jobs of these; the filter has $8 and $9.
WITH RECURSIVE ready (queue, job) AS (
    -- All pairs of queue and job that have ready requests: one index step a pair.
    (SELECT queue, job
       FROM {schema}.job_requests
      WHERE state = 'ready' AND $3::text[] IS NULL
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
      FROM (SELECT DISTINCT unnest($3::text[]) AS queue) s
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
served AS MATERIALIZED (
    SELECT s.queue, s.job
      FROM (SELECT queue, job FROM ready UNION ALL SELECT queue, job FROM named) s
     WHERE s.queue <> ALL ($5::text[]) AND ($6::text[] IS NULL OR s.job = ANY ($6)) AND s.job <> ALL ($7::text[])
       AND NOT EXISTS (SELECT 1
                         FROM {schema}.pauses p
                        WHERE p.kind = 'everything' OR p.kind = 'worker' AND p.name = $1::uuid::text
                           OR p.kind = 'queue' AND p.name = s.queue OR p.kind = 'job' AND p.name = s.job)
),
-- How many of a pair are looked at: together about twice what is wanted, however many pairs there are.
depth AS MATERIALIZED (
    SELECT count(*) AS pairs, least($4::bigint, greatest(16, 2 * $4::bigint / greatest(1, count(*)) + 1)) AS n FROM served
),
heads AS MATERIALIZED (
    SELECT s.queue, s.job, c.priority, c.due_at, c.seq, c.place
      FROM depth
     CROSS JOIN served s
     CROSS JOIN LATERAL (
           SELECT c.priority, c.due_at, c.seq, row_number() OVER (ORDER BY c.priority DESC, c.due_at, c.seq) AS place
             FROM {schema}.job_requests c
            WHERE c.state = 'ready' AND c.queue = s.queue AND c.job = s.job {filter}
            ORDER BY c.priority DESC, c.due_at, c.seq
            LIMIT depth.n) c
     WHERE depth.pairs > 1
),
-- Behind the last of a pair that was looked at, others of that pair may come first: those are for the next claim.
bound AS MATERIALIZED (
    SELECT h.priority, h.due_at, h.seq
      FROM heads h
      JOIN depth ON h.place = depth.n
     ORDER BY h.priority DESC, h.due_at, h.seq
     LIMIT 1
),
-- How many come from which pair: looked up without locks, so that only what is taken is locked.
quota AS MATERIALIZED (
    SELECT s.queue, s.job, $4::bigint AS n FROM served s WHERE (SELECT pairs FROM depth) = 1
    UNION ALL
    SELECT top.queue, top.job, count(*)
      FROM (SELECT h.queue, h.job
              FROM heads h
             WHERE NOT EXISTS (SELECT 1
                                 FROM bound b
                                WHERE (-h.priority::integer, h.due_at, h.seq) > (-b.priority::integer, b.due_at, b.seq))
             ORDER BY h.priority DESC, h.due_at, h.seq
             LIMIT $4) top
     GROUP BY top.queue, top.job
),
first AS MATERIALIZED (
    SELECT c.place, c.priority, c.due_at, c.seq
      FROM quota
     CROSS JOIN LATERAL (
           SELECT c.ctid AS place, c.priority, c.due_at, c.seq
             FROM {schema}.job_requests c
            WHERE c.state = 'ready' AND c.queue = quota.queue AND c.job = quota.job {filter}
            ORDER BY c.priority DESC, c.due_at, c.seq
            LIMIT quota.n
              FOR UPDATE SKIP LOCKED) c
),
-- Where others took a pair's share in this moment, the other pairs fill the gap.
more AS MATERIALIZED (
    SELECT c.place, c.priority, c.due_at, c.seq
      FROM depth
     CROSS JOIN served s
     CROSS JOIN LATERAL (
           SELECT c.ctid AS place, c.priority, c.due_at, c.seq
             FROM {schema}.job_requests c
            WHERE c.state = 'ready' AND c.queue = s.queue AND c.job = s.job {filter}
            ORDER BY c.priority DESC, c.due_at, c.seq
            LIMIT depth.n
              FOR UPDATE SKIP LOCKED) c
     WHERE depth.pairs > 1 AND (SELECT count(*) FROM first) < (SELECT sum(n) FROM quota)
),
picked AS MATERIALIZED (
    SELECT place
      FROM (SELECT * FROM first UNION SELECT * FROM more) c
     ORDER BY c.priority DESC, c.due_at, c.seq
     LIMIT $4
),
taken AS (
    DELETE FROM {schema}.job_requests r
     WHERE r.ctid = ANY (ARRAY(SELECT place FROM picked)) AND r.state = 'ready'
    RETURNING *
),
freed AS (
    DELETE FROM {schema}.unique_keys
     WHERE ctid = ANY (ARRAY(SELECT k.place
                               FROM taken
                              CROSS JOIN LATERAL (
                                    SELECT k.ctid AS place
                                      FROM {schema}.unique_keys k
                                     WHERE k.job = taken.job AND k.key = taken.unique_key AND k.id = taken.id
                                     LIMIT 1) k
                              WHERE taken.unique_until = 'start'))
)
INSERT INTO {schema}.job_processes (
    worker_id, build, started_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT $1, $2, {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt + 1, failures, losses,
       hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM taken
 ORDER BY priority DESC, due_at, seq
RETURNING run_token, id, job, queue, priority, due_at, enqueued_at, arguments::text AS arguments, shape, attempt, failures,
          losses, hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata::text AS metadata,
          trace_context, slot, started_at, coalesce(expires_at <= started_at, false) AS expired
