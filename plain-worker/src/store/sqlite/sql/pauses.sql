-- All that is paused, but for workers that are gone.
SELECT p.kind, p.name, p.paused_at, p.paused_by
  FROM {prefix}pauses p
 WHERE p.kind <> 'worker' OR EXISTS (SELECT 1 FROM {prefix}workers w WHERE w.id = p.name)
 ORDER BY p.paused_at, p.kind, p.name
