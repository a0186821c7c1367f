-- The ended attempts of a job. $1: id.
SELECT attempt, status, error_kind, error, output::text AS output, worker_id, build, started_at, ended_at
  FROM {schema}.job_results
 WHERE id = $1
 ORDER BY ended_at, attempt
