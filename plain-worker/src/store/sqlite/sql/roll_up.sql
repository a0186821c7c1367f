-- Sums up what ended from ?1 on, before ?2.
WITH ended AS MATERIALIZED (
    SELECT r.ended_at / 60000000 * 60 AS at, r.queue, r.job,
           CASE WHEN r.final THEN r.state WHEN r.status = 'errored' THEN 'failed' ELSE r.status END AS kind,
           max(r.ended_at - coalesce(r.started_at, r.ended_at), 0) AS took,
           max(r.started_at - max(r.due_at, r.enqueued_at), 0) AS waited
      FROM {prefix}job_results r
     WHERE r.ended_at >= ?1 AND r.ended_at < ?2
)
-- Each end twice: in its minute, and in the sum of all that has ever ended (at 0).
INSERT INTO {prefix}job_rates (at, queue, job, kind, bucket, count, total_us)
SELECT *
  FROM (SELECT at * span.own, queue, job, kind,
               (SELECT count(*) FROM json_each('[{bounds}]') WHERE value <= took) AS bucket, count(*), sum(took)
          FROM ended
         CROSS JOIN (SELECT 1 AS own UNION ALL SELECT 0) span
         GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        SELECT at * span.own, queue, job, 'wait',
               (SELECT count(*) FROM json_each('[{bounds}]') WHERE value <= waited), count(*), sum(waited)
          FROM ended
         CROSS JOIN (SELECT 1 AS own UNION ALL SELECT 0) span
         WHERE waited IS NOT NULL
         GROUP BY 1, 2, 3, 4, 5)
 WHERE true
    ON CONFLICT (at, queue, job, kind, bucket)
    DO UPDATE SET count = count + excluded.count, total_us = total_us + excluded.total_us
