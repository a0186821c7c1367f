-- Lets go of runs that are still held, writes their history, lets jobs wait again, frees the keys of those that ended;
-- what comes back was still held. $1 to $14: a column each of the ends, in the order of their tokens.
WITH gone AS (
    DELETE FROM {schema}.job_processes p
     USING unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::bigint[],
                  $9::integer[], $10::integer[], $11::integer[], $12::integer[], $13::text[], $14::boolean[])
           AS e (token, status, kind, error, output, final, state, delay, attempt, failures, losses, hand_backs, note, holds)
     WHERE p.run_token = e.token
    RETURNING p.run_token, p.worker_id, p.build, p.started_at, p.seq, p.id, p.job, p.queue, p.priority, p.due_at,
              p.enqueued_at, p.expires_at, p.arguments, p.shape, p.attempt, p.retries,
              p.timeout_ms, p.on_lost, p.unique_key, p.unique_until, p.metadata, p.source, p.trace_context, p.slot,
              e.status, e.kind, e.error, e.output, e.final, e.state, e.delay, e.attempt AS next_attempt,
              e.failures AS next_failures, e.losses AS next_losses, e.hand_backs AS next_hand_backs, e.note,
              e.holds
),
history AS (
    INSERT INTO {schema}.job_results (
        run_token, status, error_kind, error, output, final, state, worker_id, build, started_at, ended_at,
        seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses,
           hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
    SELECT run_token, status, kind, error, output::json, final, state, worker_id, build, started_at, {now},
           seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt,
           next_failures, next_losses, next_hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
      FROM gone
     WHERE status IS NOT NULL
),
again AS (
    INSERT INTO {schema}.job_requests (
        state, note,
        seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses,
           hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
    SELECT state, note,
           seq, id, job, queue, priority,
           CASE delay WHEN 0 THEN due_at ELSE {now} + delay * interval '1 microsecond' END,
           enqueued_at, expires_at, arguments, shape, next_attempt, next_failures, next_losses, next_hand_backs, retries,
           timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
      FROM gone
     WHERE NOT final
),
freed AS (
    DELETE FROM {schema}.unique_keys
     WHERE ctid = ANY (ARRAY(SELECT k.place
                               FROM gone
                              CROSS JOIN LATERAL (
                                    SELECT k.ctid AS place
                                      FROM {schema}.unique_keys k
                                     WHERE k.job = gone.job AND k.key = gone.unique_key AND k.id = gone.id
                                     LIMIT 1) k
                              WHERE gone.final AND gone.holds))
)
SELECT run_token FROM gone
