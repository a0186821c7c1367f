-- Makes hours of the minutes that are older than a day, and takes away what is older than 35 days; the sum
-- of all (at 0) stays.
WITH old AS (
    DELETE FROM {schema}.job_rates WHERE at < extract(epoch FROM {now})::bigint - 90000 AND at % 3600 <> 0
    RETURNING *
),
gone AS (
    DELETE FROM {schema}.job_rates WHERE at < extract(epoch FROM {now})::bigint - 3024000 AND at % 3600 = 0 AND at > 0
)
INSERT INTO {schema}.job_rates AS sums (at, queue, job, kind, bucket, count, total_us)
SELECT at - at % 3600, queue, job, kind, bucket, sum(count), sum(total_us)
  FROM old
 WHERE at >= extract(epoch FROM {now})::bigint - 3024000 + 3600
 GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (at, queue, job, kind, bucket)
    DO UPDATE SET count = sums.count + excluded.count, total_us = sums.total_us + excluded.total_us
