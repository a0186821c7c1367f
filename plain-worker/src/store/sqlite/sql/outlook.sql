-- Which of these jobs exist, with the end of those that have ended for good. ?1: ids (JSON).
SELECT id, NULL AS state, NULL AS status, NULL AS error_kind, NULL AS error, NULL AS output
  FROM {prefix}job_requests WHERE id IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT id, NULL, NULL, NULL, NULL, NULL
  FROM {prefix}job_processes WHERE id IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT id, state, status, error_kind, error, output
  FROM {prefix}job_results WHERE id IN (SELECT value FROM json_each(?1)) AND final
