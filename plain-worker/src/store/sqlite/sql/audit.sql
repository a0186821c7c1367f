-- Who changed what, the latest first. ?1: before this seq (null for the latest), ?2: how many.
SELECT seq, at, actor, action, target, count
  FROM {prefix}audit
 WHERE ?1 IS NULL OR seq < ?1
 ORDER BY seq DESC
 LIMIT ?2
