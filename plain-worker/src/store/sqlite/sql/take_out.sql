-- Takes requests out of the queue. ?1: their seqs (JSON).
DELETE FROM {prefix}job_requests WHERE seq IN (SELECT value FROM json_each(?1))
