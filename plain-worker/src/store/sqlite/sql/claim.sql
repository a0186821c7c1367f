-- Gives ready requests to a worker, in their order, each as a new run; `claimed.sql` and `claim_delete.sql`
-- follow in the same transaction. ?1: worker, ?2: build, ?3: pairs of queue and job (JSON), ?4: how many, ?5: how many of a pair are looked
-- at; the filter has ?6.
WITH heads AS MATERIALIZED (
    SELECT p.key AS pair, r.priority, r.due_at, r.seq
      FROM json_each(?3) p
      JOIN {prefix}job_requests r ON r.seq IN (
           SELECT c.seq
             FROM {prefix}job_requests c
            WHERE c.state = 'ready' AND c.queue = p.value ->> 0 AND c.job = p.value ->> 1 {filter}
            ORDER BY c.priority DESC, c.due_at, c.seq
            LIMIT ?5)
),
-- Behind the last of a pair that was looked at, others of that pair may come first: those are for the next claim.
bound AS MATERIALIZED (
    SELECT h.priority, h.due_at, h.seq
      FROM (SELECT *, row_number() OVER (PARTITION BY pair ORDER BY priority DESC, due_at, seq) AS place FROM heads) h
     WHERE h.place = ?5
     ORDER BY h.priority DESC, h.due_at, h.seq
     LIMIT 1
)
INSERT INTO {prefix}job_processes (
    worker_id, build, started_at,
    seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt, failures, losses, hand_backs,
       retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot)
SELECT ?1, ?2, {now},
       seq, id, job, queue, priority, due_at, enqueued_at, expires_at, arguments, shape, attempt + 1, failures, losses,
       hand_backs, retries, timeout_ms, on_lost, unique_key, unique_until, metadata, source, trace_context, slot
  FROM {prefix}job_requests
 WHERE seq IN (
    SELECT h.seq
      FROM heads h
     WHERE NOT EXISTS (SELECT 1 FROM bound b WHERE (-h.priority, h.due_at, h.seq) > (-b.priority, b.due_at, b.seq))
     ORDER BY h.priority DESC, h.due_at, h.seq
     LIMIT ?4)
