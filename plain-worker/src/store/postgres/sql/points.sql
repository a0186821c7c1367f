-- When jobs that the filter lets through ran or will run, newest or oldest first. $1: how many.
SELECT id, state, due_at, started_at, ended_at
  FROM {schema}.jobs
 WHERE {filter}
 ORDER BY id {order}
 LIMIT $1
