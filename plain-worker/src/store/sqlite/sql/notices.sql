-- What a worker must be told about its runs. ?1: worker, ?2: the tokens it holds (JSON).
SELECT t.value AS token, CASE WHEN p.run_token IS NULL THEN 'taken_over' ELSE 'cancelled' END AS reason
  FROM json_each(?2) t
  LEFT JOIN {prefix}job_processes p ON p.run_token = t.value AND p.worker_id = ?1
 WHERE p.run_token IS NULL OR p.cancel_at IS NOT NULL
