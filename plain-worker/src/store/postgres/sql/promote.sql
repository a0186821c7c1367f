-- Makes due requests ready. $1: how many at most.
UPDATE {schema}.job_requests
   SET state = 'ready'
 WHERE ctid = ANY (ARRAY(SELECT ctid
                           FROM {schema}.job_requests
                          WHERE state IN ('scheduled', 'retrying') AND due_at <= {now}
                          ORDER BY due_at
                          LIMIT $1
                            FOR UPDATE SKIP LOCKED))
   AND state IN ('scheduled', 'retrying')
