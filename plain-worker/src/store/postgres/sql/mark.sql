-- Notes how far runs are that are still held. $1 to $3: a column each, in the order of their tokens.
UPDATE {schema}.job_processes p
   SET progress = m.fraction, progress_note = m.note
  FROM unnest($1::bigint[], $2::double precision[], $3::text[]) AS m (token, fraction, note)
 WHERE p.run_token = m.token
