-- Asks for a run of a schedule. ?1: name, ?2: the id that the run will have.
UPDATE {prefix}schedules SET run_now_id = coalesce(run_now_id, ?2) WHERE name = ?1 RETURNING run_now_id
