-- Takes the unique keys that are free, in the order given, which is the same for everybody: two that take the same keys
-- cannot deadlock. $1: names of jobs, $2: keys, $3: ids.
INSERT INTO {schema}.unique_keys (job, key, id)
SELECT job, key, id
  FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY AS r (job, key, id, place)
 ORDER BY place
ON CONFLICT (job, key) DO NOTHING
RETURNING id
