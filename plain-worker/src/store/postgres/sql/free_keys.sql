-- Frees unique keys. $1: names of jobs, $2: keys, $3: the ids that hold them.
DELETE FROM {schema}.unique_keys k
 USING unnest($1::text[], $2::text[], $3::uuid[]) AS f (job, key, id)
 WHERE k.job = f.job AND k.key = f.key AND k.id = f.id
