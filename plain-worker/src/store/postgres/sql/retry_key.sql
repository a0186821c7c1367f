-- Takes the unique key of an ended job again, if it is free. $1: id.
INSERT INTO {schema}.unique_keys (job, key, id)
SELECT job, unique_key, id FROM {schema}.job_results WHERE id = $1 AND final AND unique_key IS NOT NULL
ON CONFLICT (job, key) DO NOTHING
