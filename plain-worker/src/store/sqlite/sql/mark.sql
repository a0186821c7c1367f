-- Notes how far runs are that are still held. ?1: [run token, fraction, note], many (JSON).
UPDATE {prefix}job_processes
   SET progress = m.value ->> 1, progress_note = m.value ->> 2
  FROM json_each(?1) m
 WHERE run_token = m.value ->> 0
