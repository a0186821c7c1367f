-- Counts of what the filter lets through.
SELECT state, queue, job, count(*) AS count,
       min(CASE WHEN state IN ('ready', 'scheduled', 'retrying', 'blocked', 'parked') THEN due_at END) AS oldest_due
  FROM {schema}.jobs
 WHERE {filter}
 GROUP BY state, queue, job
 ORDER BY state, queue, job
