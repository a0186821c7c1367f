-- Which of these runs are still held. ?1: a JSON list of run tokens.
SELECT run_token FROM {prefix}job_processes WHERE run_token IN (SELECT value FROM json_each(?1))
