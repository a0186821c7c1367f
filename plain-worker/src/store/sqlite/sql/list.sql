-- Jobs that the filter lets through. ?5: how many, ?6: after how many.
SELECT *
  FROM {prefix}jobs
 WHERE {filter}
 ORDER BY enqueued_at DESC, id DESC
 LIMIT ?5 OFFSET ?6
