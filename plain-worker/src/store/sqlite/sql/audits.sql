-- Who changed what, newest first. ?1: before this seq, ?2: how many.
SELECT seq, at, actor, action, target, count FROM {prefix}audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2
