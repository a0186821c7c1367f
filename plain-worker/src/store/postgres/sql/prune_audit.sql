-- Takes away what the audit no longer keeps. $1: up to when it goes, $2: how many rows at most.
DELETE FROM {schema}.audit
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM {schema}.audit WHERE at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))
