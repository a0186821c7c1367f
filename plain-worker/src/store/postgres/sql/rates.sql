-- Sums of what ended. $1: seconds back, $2: seconds a step (0: one step), $3: whether names are told apart,
-- $4: of this queue, $5: of this job.
SELECT CASE WHEN $2 > 0 THEN at - at % $2 ELSE 0 END AS step, CASE WHEN $3 THEN queue ELSE '' END AS queue,
       CASE WHEN $3 THEN job ELSE '' END AS job, kind, bucket::bigint AS bucket, sum(count)::bigint AS count,
       sum(total_us)::bigint AS total_us
  FROM {schema}.job_rates
 WHERE at >= extract(epoch FROM {now})::bigint - $1
   AND ($4::text IS NULL OR queue = $4) AND ($5::text IS NULL OR job = $5)
 GROUP BY 1, 2, 3, 4, 5
 ORDER BY 1, 2, 3, 4, 5
