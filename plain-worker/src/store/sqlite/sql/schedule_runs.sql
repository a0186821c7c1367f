-- The newest ended runs of schedules, newest first. ?1: their sources, ?2: how many of each.
SELECT n.value AS source, r.id, r.state, r.slot, r.due_at, r.started_at, r.ended_at
  FROM json_each(?1) n
  JOIN {prefix}job_results r
    ON r.rowid IN (SELECT rowid
                     FROM {prefix}job_results
                    WHERE source = n.value AND final AND source >= 'schedule ' AND source < 'schedule!'
                    ORDER BY ended_at DESC
                    LIMIT ?2)
 ORDER BY n.value, r.ended_at DESC
