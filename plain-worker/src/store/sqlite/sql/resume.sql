-- Resumes something, with everything also each worker; `note.sql` follows. ?1: kind, ?2: name.
DELETE FROM {prefix}pauses
 WHERE kind = ?1 AND name = ?2 OR ?1 = 'everything' AND kind = 'worker'
