-- In how many microseconds the next scheduled request is due (zero or less: it is), whether a request has expired, and
-- whether one is ready. ?1: whether that last one is wanted.
SELECT (SELECT min(due_at) - {now} FROM {prefix}job_requests WHERE state IN ('scheduled', 'retrying')) AS next,
       EXISTS (SELECT 1 FROM {prefix}job_requests WHERE expires_at IS NOT NULL AND expires_at <= {now}) AS expired,
       ?1 AND EXISTS (SELECT 1 FROM {prefix}job_requests WHERE state = 'ready') AS ready
