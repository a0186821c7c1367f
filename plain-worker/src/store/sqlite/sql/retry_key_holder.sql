-- Who else holds the unique key of an ended job. ?1: id.
SELECT k.id
  FROM {prefix}job_results r
  JOIN {prefix}unique_keys k ON k.job = r.job AND k.key = r.unique_key
 WHERE r.id = ?1 AND r.final AND k.id <> r.id
