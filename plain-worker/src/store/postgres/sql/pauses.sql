-- All that is paused, but for workers that are gone.
SELECT p.kind, p.name, p.paused_at, p.paused_by
  FROM {schema}.pauses p
 WHERE p.kind <> 'worker' OR EXISTS (SELECT 1 FROM {schema}.workers w WHERE w.id::text = p.name)
 ORDER BY p.paused_at, p.kind, p.name
