-- Takes results past their retention out of one partition, with the earlier attempts of their jobs wherever those are.
-- OFFSET 0: each is looked up by its index; else the planner may read the tables whole, to hash them.
-- $1: states that results led to, $2: up to when they go, $3: how many at most.
WITH picked AS MATERIALIZED (
    SELECT r.place, r.id, r.more
      FROM unnest($1::text[], $2::timestamptz[]) AS kept (state, until)
     CROSS JOIN LATERAL (
           SELECT r.ctid AS place, r.id, r.final AND (r.attempt > 1 OR r.failures > 0 OR r.losses > 0) AS more
             FROM {schema}.{partition} r
            WHERE r.state = kept.state AND r.ended_at <= kept.until
              AND (r.final OR NOT EXISTS (SELECT 1 FROM {schema}.job_requests w WHERE w.id = r.id OFFSET 0)
                          AND NOT EXISTS (SELECT 1 FROM {schema}.job_processes w WHERE w.id = r.id OFFSET 0)
                          AND NOT EXISTS (SELECT 1 FROM {schema}.job_results w WHERE w.id = r.id AND w.final OFFSET 0))
            ORDER BY r.ended_at
            LIMIT $3
              FOR UPDATE OF r SKIP LOCKED) r
     LIMIT $3
),
attempts AS (
    DELETE FROM {schema}.job_results WHERE id = ANY (ARRAY(SELECT id FROM picked WHERE more)) AND NOT final
)
DELETE FROM {schema}.{partition} WHERE ctid = ANY (ARRAY(SELECT place FROM picked))
