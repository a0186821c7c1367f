-- The logs of a job's attempts, oldest first. $1: id.
SELECT attempt, told, lines FROM {schema}.job_logs WHERE id = $1 ORDER BY run_token
