-- Who changed what, the latest first. $1: before this seq (null for the latest), $2: how many.
SELECT seq, at, actor, action, target, count
  FROM {schema}.audit
 WHERE seq < coalesce($1, 9223372036854775807)
 ORDER BY seq DESC
 LIMIT $2
