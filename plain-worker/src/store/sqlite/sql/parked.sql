-- Parked requests of these jobs. ?1: names (JSON), ?2: after this seq, ?3: how many.
SELECT seq, job, shape, arguments
  FROM {prefix}job_requests
 WHERE state = 'parked' AND job IN (SELECT value FROM json_each(?1)) AND seq > ?2
 ORDER BY seq
 LIMIT ?3
