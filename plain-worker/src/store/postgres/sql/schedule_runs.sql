-- The newest ended runs of schedules, newest first. $1: their sources, $2: how many of each.
SELECT n.source, r.id, r.state, r.slot, r.due_at, r.started_at, r.ended_at
  FROM unnest($1::text[]) AS n (source)
 CROSS JOIN LATERAL (SELECT id, state, slot, due_at, started_at, ended_at
                       FROM {schema}.job_results
                      WHERE source = n.source AND final AND starts_with(source, 'schedule ')
                      ORDER BY ended_at DESC
                      LIMIT $2) r
 ORDER BY n.source, r.ended_at DESC
