-- From when to when the next sums go: up to five seconds ago, an hour at most, from the first end that is not summed up.
-- No row: somebody else is at it, or there is nothing to sum up yet.
SELECT span.start, least(span.start + interval '1 hour', {now} - interval '5 seconds') AS stop
  FROM {schema}.job_rates_until u
 CROSS JOIN LATERAL (
       SELECT greatest(u.until, (SELECT min(r.ended_at) FROM {schema}.job_results r WHERE r.ended_at >= u.until)) AS start
        WHERE EXISTS (SELECT 1
                        FROM {schema}.job_results r
                       WHERE r.ended_at >= u.until AND r.ended_at < {now} - interval '5 seconds')) span
 WHERE u.until < {now} - interval '10 seconds'
   FOR UPDATE OF u SKIP LOCKED
