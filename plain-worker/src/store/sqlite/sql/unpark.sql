-- Makes parked requests ready, or lets them wait for their time. ?1: their seqs (JSON).
UPDATE {prefix}job_requests
   SET state = CASE WHEN due_at <= {now} THEN 'ready' ELSE 'scheduled' END, note = NULL
 WHERE state = 'parked' AND seq IN (SELECT value FROM json_each(?1))
