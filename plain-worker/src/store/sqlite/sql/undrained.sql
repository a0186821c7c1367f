-- What keeps a drain from its end. ?1: queues (JSON, null for all), ?2: names that the worker knows (JSON).
SELECT (SELECT count(*) FROM {prefix}job_processes WHERE ?1 IS NULL OR queue IN (SELECT value FROM json_each(?1)))
     + (SELECT count(*)
          FROM {prefix}job_requests r
         WHERE (r.state = 'ready' OR r.state IN ('scheduled', 'retrying') AND r.due_at <= {now})
           AND (?1 IS NULL OR r.queue IN (SELECT value FROM json_each(?1)))
           AND r.job IN (SELECT value FROM json_each(?2))
           AND NOT EXISTS (SELECT 1 FROM {prefix}queues q WHERE q.name = r.queue AND q.paused_at IS NOT NULL))
