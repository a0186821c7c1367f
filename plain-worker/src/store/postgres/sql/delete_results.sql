-- Takes an ended job away with the history of its attempts, unless it runs again. $1: id.
WITH gone AS (
    DELETE FROM {schema}.job_results WHERE id = $1 AND final RETURNING id
),
history AS (
    DELETE FROM {schema}.job_results WHERE NOT final AND id IN (SELECT id FROM gone)
),
logs AS (
    DELETE FROM {schema}.job_logs WHERE id IN (SELECT id FROM gone)
)
SELECT count(*) FROM gone
