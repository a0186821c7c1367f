-- The runs that a claim has made, as lists of lists (JSON): a row each would be a wake-up each. ?1: the first run token.
SELECT json_group_array({run})
  FROM {prefix}job_processes
 WHERE run_token >= ?1
 GROUP BY (run_token - ?1) / 32
