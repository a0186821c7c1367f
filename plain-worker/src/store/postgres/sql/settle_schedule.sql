-- Writes what became of a schedule's slots. $1: name, $2: settled until, $3: slots that wait, $4: the latest slot that
-- became a run, $5: its job, $6 to $8: how many were passed over, the latest of them and why, $9: the queue, $10: whether
-- the run by hand was made.
UPDATE {schema}.schedules
   SET settled_at = $2, waiting = $3, last_slot = coalesce($4, last_slot), last_job_id = coalesce($5, last_job_id),
       skipped = skipped + $6, last_skip = coalesce($7, last_skip), skip_reason = coalesce($8, skip_reason), queue = $9,
       run_now_id = CASE WHEN $10 THEN NULL ELSE run_now_id END
 WHERE name = $1
