-- Takes a waiting job away. ?1: id.
DELETE FROM {prefix}job_requests WHERE id = ?1 RETURNING seq, id, job, unique_key
