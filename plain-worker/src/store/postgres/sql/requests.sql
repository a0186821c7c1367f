-- Stored requests, the oldest first. $1: after this seq, $2: how many.
SELECT seq, id, job, arguments::text AS arguments
  FROM {schema}.job_requests
 WHERE seq > $1
 ORDER BY seq
 LIMIT $2
