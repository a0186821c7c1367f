-- In how many microseconds the next scheduled request is due; zero or less: it is.
SELECT min(due_at) - {now} FROM {prefix}job_requests WHERE state IN ('scheduled', 'retrying')
