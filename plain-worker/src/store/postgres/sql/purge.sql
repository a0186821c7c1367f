-- Takes away waiting requests that the filter lets through, and their keys. $1: how many at most.
WITH gone AS (
    DELETE FROM {schema}.job_requests
     WHERE ctid = ANY (ARRAY(SELECT r.ctid
                               FROM {schema}.job_requests r
                              CROSS JOIN LATERAL (
                                    SELECT NULL::timestamptz AS started_at, NULL::timestamptz AS ended_at,
                                           NULL::uuid AS worker_id, r.note AS error, NULL::json AS output) unended
                              WHERE {filter}
                              LIMIT $1
                                FOR UPDATE OF r SKIP LOCKED))
    RETURNING id, job, unique_key
),
freed AS (
    DELETE FROM {schema}.unique_keys
     WHERE ctid = ANY (ARRAY(SELECT k.place
                               FROM gone
                              CROSS JOIN LATERAL (
                                    SELECT k.ctid AS place
                                      FROM {schema}.unique_keys k
                                     WHERE k.job = gone.job AND k.key = gone.unique_key AND k.id = gone.id
                                     LIMIT 1) k))
)
SELECT count(*) FROM gone
