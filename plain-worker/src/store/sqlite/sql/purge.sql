-- Takes away waiting requests that the filter lets through. ?1: how many at most.
DELETE FROM {prefix}job_requests
 WHERE seq IN (SELECT seq
                 FROM (SELECT *, NULL AS started_at, NULL AS ended_at, NULL AS worker_id, note AS error, NULL AS output
                         FROM {prefix}job_requests)
                WHERE {filter}
                LIMIT ?1)
RETURNING seq, id, job, unique_key
