-- Takes the history of a job away. ?1: id.
DELETE FROM {prefix}job_results WHERE id = ?1
