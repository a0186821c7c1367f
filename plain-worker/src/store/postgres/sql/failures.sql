-- The newest failed attempts of a job within a week. $1: the job, $2: how many.
SELECT id, left(error, 300) AS error, state, ended_at
  FROM {schema}.job_results
 WHERE state IN ('dead', 'retrying') AND status = 'errored' AND ended_at >= {now} - interval '7 days' AND job = $1
 ORDER BY ended_at DESC
 LIMIT $2
