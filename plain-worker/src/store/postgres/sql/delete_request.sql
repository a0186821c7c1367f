-- Takes a waiting job away with its key and the history of its attempts. $1: id.
WITH gone AS (
    DELETE FROM {schema}.job_requests WHERE id = $1 RETURNING id, job, unique_key
),
freed AS (
    DELETE FROM {schema}.unique_keys k
     USING gone
     WHERE k.job = gone.job AND k.key = gone.unique_key AND k.id = gone.id
),
history AS (
    DELETE FROM {schema}.job_results WHERE id IN (SELECT id FROM gone)
),
logs AS (
    DELETE FROM {schema}.job_logs WHERE id IN (SELECT id FROM gone)
)
SELECT count(*) FROM gone
