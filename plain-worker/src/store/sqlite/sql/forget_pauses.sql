-- Takes away the pauses of workers that are long gone: nobody misses them.
DELETE FROM {prefix}pauses
 WHERE kind = 'worker' AND paused_at < {now} - 30 * 86400000000
   AND NOT EXISTS (SELECT 1 FROM {prefix}workers w WHERE w.id = {prefix}pauses.name)
