-- Makes hours of the minutes that are older than a day.
INSERT INTO {prefix}job_rates (at, queue, job, kind, bucket, count, total_us)
SELECT at - at % 3600, queue, job, kind, bucket, sum(count), sum(total_us)
  FROM {prefix}job_rates
 WHERE at < {now} / 1000000 - 90000 AND at % 3600 <> 0
 GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (at, queue, job, kind, bucket)
    DO UPDATE SET count = count + excluded.count, total_us = total_us + excluded.total_us
