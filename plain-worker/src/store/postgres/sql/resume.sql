-- Resumes something, with everything also each worker, and notes who did. $1: kind, $2: name, $3: by whom, $4: in words.
WITH done AS (
    DELETE FROM {schema}.pauses
     WHERE kind = $1 AND name = $2 OR $1 = 'everything' AND kind = 'worker'
    RETURNING kind
),
noted AS (
    INSERT INTO {schema}.audit (at, actor, action, target, count)
    SELECT {now}, $3, 'resume', $4, count(*) FROM done HAVING count(*) > 0
)
SELECT count(*) FROM done
