-- Parked requests of these jobs. $1: names, $2: after this seq, $3: how many.
SELECT seq, job, shape, arguments::text AS arguments
  FROM {schema}.job_requests
 WHERE state = 'parked' AND job = ANY ($1) AND seq > $2
 ORDER BY seq
 LIMIT $3
