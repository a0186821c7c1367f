-- Unique keys whose job neither waits nor runs.
SELECT job, key
  FROM {prefix}unique_keys k
 WHERE NOT EXISTS (SELECT 1 FROM {prefix}job_requests r WHERE r.id = k.id)
   AND NOT EXISTS (SELECT 1 FROM {prefix}job_processes p WHERE p.id = k.id)
 ORDER BY job, key
 LIMIT 20
