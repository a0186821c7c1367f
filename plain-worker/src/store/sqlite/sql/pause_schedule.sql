-- Stops the slots of a schedule. ?1: name, ?2: who.
UPDATE {prefix}schedules
   SET paused_by = CASE WHEN paused_at IS NULL THEN ?2 ELSE paused_by END,
       changed_at = CASE WHEN paused_at IS NULL THEN {now} ELSE changed_at END,
       paused_at = coalesce(paused_at, {now})
 WHERE name = ?1
