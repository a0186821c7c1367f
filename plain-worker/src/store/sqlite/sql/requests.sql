-- Stored requests, the oldest first. ?1: after this seq, ?2: how many.
SELECT seq, id, job, arguments
  FROM {prefix}job_requests
 WHERE seq > ?1
 ORDER BY seq
 LIMIT ?2
