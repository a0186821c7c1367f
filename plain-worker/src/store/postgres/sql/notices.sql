-- What a worker must be told about its runs. $1: worker, $2: the tokens it holds.
SELECT t.token, CASE WHEN p.run_token IS NULL THEN 'taken_over' ELSE 'cancelled' END AS reason
  FROM unnest($2::bigint[]) AS t (token)
  LEFT JOIN {schema}.job_processes p ON p.run_token = t.token AND p.worker_id = $1
 WHERE p.run_token IS NULL OR p.cancel_at IS NOT NULL
