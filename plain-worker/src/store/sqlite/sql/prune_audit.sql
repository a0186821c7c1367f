-- Takes away what the audit no longer keeps. ?1: its age in microseconds, ?2: how many rows at most.
DELETE FROM {prefix}audit
 WHERE seq IN (SELECT seq FROM {prefix}audit WHERE at <= {now} - ?1 ORDER BY at LIMIT ?2)
