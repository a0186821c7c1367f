-- Which of these jobs are stored already, wherever they stand. ?1: a JSON list of ids.
SELECT i.value AS id
  FROM json_each(?1) i
 WHERE EXISTS (SELECT 1 FROM {prefix}job_requests WHERE id = i.value)
    OR EXISTS (SELECT 1 FROM {prefix}job_processes WHERE id = i.value)
    OR EXISTS (SELECT 1 FROM {prefix}job_results WHERE id = i.value)
