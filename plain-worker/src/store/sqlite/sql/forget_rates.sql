-- Takes away the minutes that hours were made of, and what is older than 35 days; the sum of all (at 0) stays.
DELETE FROM {prefix}job_rates
 WHERE at < {now} / 1000000 - 90000 AND (at % 3600 <> 0 OR at < {now} / 1000000 - 3024000)
   AND at > 0
