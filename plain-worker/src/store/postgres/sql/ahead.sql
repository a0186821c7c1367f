-- How many ready jobs of its queue come before a job. $1: its id, $2: what is counted at most.
SELECT count(*)
  FROM (SELECT 1
          FROM {schema}.job_requests me
          JOIN {schema}.job_requests r ON r.queue = me.queue
         WHERE me.id = $1 AND r.state = 'ready'
           AND (r.priority > me.priority OR r.priority = me.priority AND (r.due_at, r.seq) < (me.due_at, me.seq))
         LIMIT $2) before
