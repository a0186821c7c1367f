-- Jobs that the filter lets through, newest first. ?1: how many.
SELECT *
  FROM {prefix}jobs
 WHERE {filter}
 ORDER BY id DESC
 LIMIT ?1
