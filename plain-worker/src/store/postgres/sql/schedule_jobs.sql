-- The waiting jobs that came of a schedule. $1: their source.
SELECT id FROM {schema}.job_requests WHERE source = $1 ORDER BY seq
