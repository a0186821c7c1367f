-- Writes the logs of runs; an older one does not take the place of a newer one. ?1: [run token, id, attempt, lines told,
-- lines], many (JSON).
INSERT INTO {prefix}job_logs (run_token, id, attempt, written_at, told, lines)
SELECT value ->> 0, value ->> 1, value ->> 2, {now}, value ->> 3, value -> 4 FROM json_each(?1) WHERE true
    ON CONFLICT (run_token) DO UPDATE
   SET written_at = excluded.written_at, told = excluded.told, lines = excluded.lines
 WHERE excluded.told >= told
