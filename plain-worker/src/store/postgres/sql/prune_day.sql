-- Whether a day past all retention holds attempts of jobs that are not past it, and how many rows it has: counted up to
-- a bound, estimated above.
SELECT EXISTS (SELECT 1
                 FROM {schema}.{partition} r
                WHERE NOT r.final
                  AND (EXISTS (SELECT 1 FROM {schema}.job_requests w WHERE w.id = r.id)
                    OR EXISTS (SELECT 1 FROM {schema}.job_processes w WHERE w.id = r.id)
                    OR EXISTS (SELECT 1
                                 FROM {schema}.job_results w
                                WHERE w.id = r.id AND w.final AND w.tableoid <> r.tableoid))) AS needed,
       CASE WHEN bounded.count <= 100000 THEN bounded.count
            ELSE greatest(bounded.count, (SELECT reltuples::bigint FROM pg_class WHERE oid = '{schema}.{partition}'::regclass))
       END AS count
  FROM (SELECT count(*) AS count FROM (SELECT 1 FROM {schema}.{partition} LIMIT 100001) AS some_rows) AS bounded
