-- Sums up what ended from $1 on, before $2.
WITH ended AS MATERIALIZED (
    SELECT extract(epoch FROM date_trunc('minute', r.ended_at))::bigint AS at, r.queue, r.job,
           CASE WHEN r.final THEN r.state WHEN r.status = 'errored' THEN 'failed' ELSE r.status END AS kind,
           (extract(epoch FROM greatest(r.ended_at - coalesce(r.started_at, r.ended_at), interval '0')) * 1000000)::bigint
               AS took,
           (extract(epoch FROM greatest(r.started_at - greatest(r.due_at, r.enqueued_at), interval '0')) * 1000000)::bigint
               AS waited,
           r.started_at IS NOT NULL AS started
      FROM {schema}.job_results r
     WHERE r.ended_at >= $1 AND r.ended_at < $2
),
summed AS (
    -- Each end twice: in its minute, and in the sum of all that has ever ended (at 0).
    INSERT INTO {schema}.job_rates AS sums (at, queue, job, kind, bucket, count, total_us)
    SELECT span.at, queue, job, kind, width_bucket(took, ARRAY[{bounds}]::bigint[]), count(*), sum(took)
      FROM ended
     CROSS JOIN LATERAL (VALUES (ended.at), (0)) AS span (at)
     GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT span.at, queue, job, 'wait', width_bucket(waited, ARRAY[{bounds}]::bigint[]), count(*), sum(waited)
      FROM ended
     CROSS JOIN LATERAL (VALUES (ended.at), (0)) AS span (at)
     WHERE started
     GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (at, queue, job, kind, bucket)
        DO UPDATE SET count = sums.count + excluded.count, total_us = sums.total_us + excluded.total_us
)
UPDATE {schema}.job_rates_until SET until = $2
