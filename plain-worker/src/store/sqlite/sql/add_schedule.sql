-- Puts a dynamic schedule in, whose times begin now. ?1 to ?9: the definition.
INSERT INTO {prefix}schedules (
    name, job, queue, expression, timezone, arguments, catch_up, overlap, window_ms, fingerprint, dynamic, created_at,
    changed_at, settled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', 1, {now}, {now}, {now})
ON CONFLICT (name) DO NOTHING
