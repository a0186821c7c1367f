-- Sums of all that has ever ended, told apart by names.
SELECT at AS step, queue, job, kind, bucket::bigint AS bucket, count::bigint AS count, total_us::bigint AS total_us
  FROM {schema}.job_rates
 WHERE at = 0
 ORDER BY queue, job, kind, bucket
