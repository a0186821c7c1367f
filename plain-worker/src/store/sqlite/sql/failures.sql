-- The newest failed attempts of a job within a week. ?1: the job, ?2: how many.
SELECT id, substr(error, 1, 300) AS error, state, ended_at
  FROM {prefix}job_results
 WHERE state IN ('dead', 'retrying') AND status = 'errored' AND ended_at >= {now} - 604800000000 AND job = ?1
 ORDER BY ended_at DESC
 LIMIT ?2
