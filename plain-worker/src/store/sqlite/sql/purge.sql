-- Takes away waiting requests that the filter lets through. ?5: how many at most.
DELETE FROM {prefix}job_requests
 WHERE seq IN (SELECT seq FROM {prefix}job_requests
                WHERE {filter}
                LIMIT ?5)
RETURNING seq, id, job, unique_key
