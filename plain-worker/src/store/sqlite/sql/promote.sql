-- Makes due requests ready. ?1: how many at most.
UPDATE {prefix}job_requests
   SET state = 'ready'
 WHERE seq IN (SELECT seq
                 FROM {prefix}job_requests
                WHERE state IN ('scheduled', 'retrying') AND due_at <= {now}
                ORDER BY due_at
                LIMIT ?1)
