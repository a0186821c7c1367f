-- The end of a job that runs again was not its last. ?1: id.
UPDATE {prefix}job_results SET final = 0 WHERE id = ?1 AND final
