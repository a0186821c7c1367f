-- Jobs that the filter lets through, newest or oldest first. $1: how many.
SELECT id, job, queue, state, priority, arguments::text AS arguments, attempt, failures, losses, hand_backs,
       retries, unique_key, metadata::text AS metadata, source, slot, enqueued_at, due_at, started_at, ended_at, worker_id,
       error, output::text AS output, progress, progress_note
  FROM {schema}.jobs
 WHERE {filter}
 ORDER BY id {order}
 LIMIT $1
