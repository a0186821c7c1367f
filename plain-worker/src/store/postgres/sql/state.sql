-- Where a job stands. $1: id.
SELECT state FROM {schema}.job_requests WHERE id = $1
UNION ALL SELECT 'running' FROM {schema}.job_processes WHERE id = $1
UNION ALL SELECT state FROM {schema}.job_results WHERE id = $1 AND final
