-- Jobs that have been handed back often, by name.
SELECT job, count(*) AS jobs, CAST(max(hand_backs) AS bigint) AS most
  FROM (SELECT job, hand_backs FROM {schema}.job_requests WHERE hand_backs >= 3
        UNION ALL SELECT job, hand_backs FROM {schema}.job_processes WHERE hand_backs >= 3) b
 GROUP BY job
 ORDER BY most DESC, job
 LIMIT 20
