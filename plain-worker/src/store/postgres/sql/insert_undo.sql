-- Takes requests out again that this transaction put in. $1: ids.
DELETE FROM {schema}.job_requests WHERE id = ANY ($1)
