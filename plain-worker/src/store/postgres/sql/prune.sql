-- Takes results past their retention out of one partition. $1: of dead jobs, $2: of others, in microseconds;
-- $3: how many at most.
DELETE FROM {schema}.{partition}
 WHERE ctid = ANY (ARRAY(
       SELECT r.ctid
         FROM {schema}.{partition} r
        WHERE r.ended_at <= {now} - least($1, $2) * interval '1 microsecond'
          AND r.ended_at <= {now} - CASE r.state WHEN 'dead' THEN $1 ELSE $2 END * interval '1 microsecond'
          AND (r.final OR NOT EXISTS (SELECT 1 FROM {schema}.job_requests w WHERE w.id = r.id)
                      AND NOT EXISTS (SELECT 1 FROM {schema}.job_processes w WHERE w.id = r.id)
                      AND NOT EXISTS (SELECT 1 FROM {schema}.job_results w WHERE w.id = r.id AND w.final))
        ORDER BY r.ended_at
        LIMIT $3
          FOR UPDATE OF r SKIP LOCKED))
