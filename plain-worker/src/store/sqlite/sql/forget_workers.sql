-- Takes away the rows of these workers, as far as they hold nothing. ?1: workers (JSON).
DELETE FROM {prefix}workers
 WHERE id IN (SELECT value FROM json_each(?1))
   AND NOT EXISTS (SELECT 1 FROM {prefix}job_processes p WHERE p.worker_id = {prefix}workers.id)
