-- The partitions of the history, and what time it is.
SELECT c.relname::text AS name, {now} AS now
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = '{schema}.job_results'::regclass
 ORDER BY c.relname
