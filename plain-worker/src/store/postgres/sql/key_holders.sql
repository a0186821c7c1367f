-- Who holds these keys, and where that job stands. $1: names of jobs, $2: keys, $3: the ids that want them.
SELECT r.id AS wanted, k.id AS holder,
       coalesce((SELECT q.state FROM {schema}.job_requests q WHERE q.id = k.id),
                (SELECT 'running' FROM {schema}.job_processes p WHERE p.id = k.id)) AS state
  FROM unnest($1::text[], $2::text[], $3::uuid[]) AS r (job, key, id)
  JOIN {schema}.unique_keys k ON k.job = r.job AND k.key = r.key
