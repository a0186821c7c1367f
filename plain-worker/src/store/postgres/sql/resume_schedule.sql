-- Lets the slots of a schedule run again, from now on. $1: name.
UPDATE {schema}.schedules
   SET settled_at = CASE WHEN paused_at IS NULL THEN settled_at ELSE greatest(settled_at, {now}) END,
       changed_at = CASE WHEN paused_at IS NULL THEN changed_at ELSE {now} END,
       paused_at = NULL, paused_by = NULL
 WHERE name = $1
