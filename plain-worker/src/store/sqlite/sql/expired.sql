-- Whether a waiting request is worth nothing any more.
SELECT EXISTS (SELECT 1 FROM {prefix}job_requests WHERE expires_at IS NOT NULL AND expires_at <= {now})
