-- Who holds the keys of these requests, and where that job stands. ?1: requests.
SELECT r.value ->> 'id' AS wanted, k.id AS holder,
       coalesce((SELECT state FROM {prefix}job_requests q WHERE q.id = k.id),
                (SELECT 'running' FROM {prefix}job_processes p WHERE p.id = k.id)) AS state
  FROM json_each(?1) r
  JOIN {prefix}unique_keys k ON k.job = r.value ->> 'job' AND k.key = r.value ->> 'unique_key'
 WHERE k.id <> r.value ->> 'id'
