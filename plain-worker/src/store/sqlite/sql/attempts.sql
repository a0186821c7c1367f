-- The ended attempts of a job. ?1: id.
SELECT attempt, status, error_kind, error, output, worker_id, build, started_at, ended_at
  FROM {prefix}job_results
 WHERE id = ?1
 ORDER BY ended_at, rowid
