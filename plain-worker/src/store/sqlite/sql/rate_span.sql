-- From when to when the next sums go: up to five seconds ago, an hour at most, from the first end that is not summed up.
SELECT start, min(start + 3600000000, {now} - 5000000) AS stop
  FROM (SELECT max(u.until, (SELECT min(r.ended_at) FROM {prefix}job_results r WHERE r.ended_at >= u.until)) AS start
          FROM {prefix}job_rates_until u
         WHERE u.until < {now} - 10000000)
 WHERE start < {now} - 5000000
