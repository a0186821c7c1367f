-- Takes the logs of a job away. ?1: id.
DELETE FROM {prefix}job_logs WHERE id = ?1
