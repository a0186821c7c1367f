-- What keeps a drain from its end. $1: queues (null for all), $2: names that the worker knows.
SELECT (SELECT count(*) FROM {schema}.job_processes WHERE $1::text[] IS NULL OR queue = ANY ($1))
     + (SELECT count(*)
          FROM {schema}.job_requests r
         WHERE (r.state = 'ready' OR r.state IN ('scheduled', 'retrying') AND r.due_at <= {now})
           AND ($1::text[] IS NULL OR r.queue = ANY ($1))
           AND r.job = ANY ($2)
           AND NOT EXISTS (SELECT 1 FROM {schema}.queues q WHERE q.name = r.queue AND q.paused_at IS NOT NULL))
