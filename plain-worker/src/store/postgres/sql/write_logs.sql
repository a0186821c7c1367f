-- Writes the logs of runs; an older one does not take the place of a newer one. $1 to $5: a column each, in the order of
-- their tokens.
INSERT INTO {schema}.job_logs AS l (run_token, id, attempt, written_at, told, lines)
SELECT token, id, attempt, {now}, told, lines
  FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[], $5::text[]) AS n (token, id, attempt, told, lines)
    ON CONFLICT (run_token) DO UPDATE
   SET written_at = excluded.written_at, told = excluded.told, lines = excluded.lines
 WHERE excluded.told >= l.told
