-- Takes the runs of parked requests back. ?1: as for `park_unreadable.sql`.
DELETE FROM {prefix}job_processes WHERE run_token IN (SELECT value ->> 1 FROM json_each(?1))
