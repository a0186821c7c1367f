-- Where a job stands. ?1: id.
SELECT state FROM {prefix}job_requests WHERE id = ?1
UNION ALL SELECT 'running' FROM {prefix}job_processes WHERE id = ?1
UNION ALL SELECT state FROM {prefix}job_results WHERE id = ?1 AND final
