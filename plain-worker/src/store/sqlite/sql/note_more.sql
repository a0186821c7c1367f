-- Counts more to a change that was noted. ?1: its seq, ?2: how many.
UPDATE {prefix}audit SET count = count + ?2 WHERE seq = ?1
