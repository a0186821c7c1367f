-- Jobs that the filter lets through, newest or oldest first. ?1: how many.
SELECT *
  FROM {prefix}jobs
 WHERE {filter}
 ORDER BY id {order}
 LIMIT ?1
