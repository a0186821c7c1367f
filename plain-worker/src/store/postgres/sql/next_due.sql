-- In how many microseconds the next scheduled request is due; zero or less: it is.
SELECT (extract(epoch FROM min(due_at) - {now}) * 1000000)::bigint
  FROM {schema}.job_requests
 WHERE state IN ('scheduled', 'retrying')
