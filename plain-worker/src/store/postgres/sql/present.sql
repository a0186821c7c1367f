-- Which of these jobs run or have ended for good. $1: ids.
SELECT i.id
  FROM unnest($1::uuid[]) AS i (id)
 WHERE EXISTS (SELECT 1 FROM {schema}.job_processes p WHERE p.id = i.id)
    OR EXISTS (SELECT 1 FROM {schema}.job_results r WHERE r.id = i.id AND r.final)
