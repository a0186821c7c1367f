-- Takes the unique keys that are free. ?1: requests, as `insert.sql` has them.
INSERT INTO {prefix}unique_keys (job, key, id)
SELECT r.value ->> 'job', r.value ->> 'unique_key', r.value ->> 'id'
  FROM json_each(?1) r
 WHERE r.value ->> 'unique_key' IS NOT NULL
ON CONFLICT (job, key) DO NOTHING
