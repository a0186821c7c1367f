-- Lets go of runs. ?1: a JSON list of run tokens.
DELETE FROM {prefix}job_processes WHERE run_token IN (SELECT value FROM json_each(?1))
