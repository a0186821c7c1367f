-- Which of these jobs exist, with the end of those that have ended for good. $1: ids.
SELECT id, NULL AS state, NULL AS status, NULL AS error_kind, NULL AS error, NULL AS output
  FROM {schema}.job_requests WHERE id = ANY ($1)
UNION ALL
SELECT id, NULL, NULL, NULL, NULL, NULL
  FROM {schema}.job_processes WHERE id = ANY ($1)
UNION ALL
SELECT id, state, status, error_kind, error, output::text
  FROM {schema}.job_results WHERE id = ANY ($1) AND final
