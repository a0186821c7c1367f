-- Takes claimed requests out of the queue. ?1: the first run token of the claim.
DELETE FROM {prefix}job_requests WHERE seq IN (SELECT seq FROM {prefix}job_processes WHERE run_token >= ?1)
