json_array(run_token, seq, id, job, queue, priority, due_at, enqueued_at, arguments, shape, attempt, failures, losses,
                  hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, slot,
                  started_at, coalesce(expires_at <= started_at, 0))
