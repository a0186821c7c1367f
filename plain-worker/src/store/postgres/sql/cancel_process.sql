-- Asks for the end of a run, and notes who did, if anybody. $1: id, $2: why, $3: by whom.
WITH asked AS (
    UPDATE {schema}.job_processes
       SET cancel_at = coalesce(cancel_at, {now}), cancel_reason = coalesce(cancel_reason, $2)
     WHERE id = $1
    RETURNING id
),
noted AS (
    INSERT INTO {schema}.audit (at, actor, action, target)
    SELECT {now}, $3, 'cancel', id::text FROM asked WHERE $3::text IS NOT NULL
)
SELECT count(*) FROM asked
