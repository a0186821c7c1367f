-- Who holds the unique key of an ended job; none: the job has none. $1: id.
SELECT k.id
  FROM {schema}.job_results r
  LEFT JOIN {schema}.unique_keys k ON k.job = r.job AND k.key = r.unique_key
 WHERE r.id = $1 AND r.final AND r.unique_key IS NOT NULL
