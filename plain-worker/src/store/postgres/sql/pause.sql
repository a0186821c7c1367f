-- Pauses something, unless it is paused, and notes who did. $1: kind, $2: name, $3: by whom, $4: in words.
WITH done AS (
    INSERT INTO {schema}.pauses (kind, name, paused_at, paused_by)
    VALUES ($1, $2, {now}, $3)
    ON CONFLICT (kind, name) DO NOTHING
    RETURNING kind
),
-- Nobody misses the pauses of workers that are long gone.
forgotten AS (
    DELETE FROM {schema}.pauses p
     WHERE p.kind = 'worker' AND p.paused_at < {now} - interval '30 days'
       AND NOT EXISTS (SELECT 1 FROM {schema}.workers w WHERE w.id::text = p.name)
),
noted AS (
    INSERT INTO {schema}.audit (at, actor, action, target)
    SELECT {now}, $3, 'pause', $4 FROM done
)
SELECT count(*) FROM done
