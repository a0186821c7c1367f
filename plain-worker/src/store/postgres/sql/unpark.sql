-- Makes parked requests ready, or lets them wait for their time. $1: their seqs.
UPDATE {schema}.job_requests
   SET state = CASE WHEN due_at <= {now} THEN 'ready' ELSE 'scheduled' END, note = NULL
 WHERE ctid = ANY (ARRAY(SELECT ctid
                           FROM {schema}.job_requests
                          WHERE state = 'parked' AND seq = ANY ($1)
                            FOR UPDATE SKIP LOCKED))
   AND state = 'parked'
