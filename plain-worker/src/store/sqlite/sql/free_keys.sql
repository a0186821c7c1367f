-- Frees unique keys of jobs that started or ended. ?1: a JSON list of [job, key, id].
DELETE FROM {prefix}unique_keys
 WHERE (job, key) IN (SELECT k.value ->> 0, k.value ->> 1 FROM json_each(?1) k)
   AND id IN (SELECT k.value ->> 2 FROM json_each(?1) k)
