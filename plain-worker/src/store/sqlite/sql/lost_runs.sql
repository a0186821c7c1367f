-- Runs that a worker holds, as `claimed.sql` gives them. ?1: worker, ?2: how many at most.
SELECT json_group_array({run})
  FROM (SELECT * FROM {prefix}job_processes WHERE worker_id = ?1 ORDER BY run_token LIMIT ?2)
 GROUP BY run_token / 32
 ORDER BY run_token / 32
