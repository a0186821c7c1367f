-- Sums of all that has ever ended, told apart by names.
SELECT at AS step, queue, job, kind, bucket, count, total_us
  FROM {prefix}job_rates
 WHERE at = 0
 ORDER BY queue, job, kind, bucket
