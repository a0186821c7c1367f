-- Renews a worker's heartbeat. ?1: worker.
UPDATE {prefix}workers SET heartbeat_at = {now} WHERE id = ?1
