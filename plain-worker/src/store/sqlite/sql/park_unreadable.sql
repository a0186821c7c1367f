-- Parks claimed requests whose rows cannot be read. ?1: triples of seq, run token and reason (JSON).
UPDATE {prefix}job_requests
   SET state = 'parked', note = u.value ->> 2
  FROM json_each(?1) u
 WHERE seq = u.value ->> 0
