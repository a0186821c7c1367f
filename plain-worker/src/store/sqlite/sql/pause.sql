-- Pauses something, unless it is paused; `note.sql` follows. ?1: kind, ?2: name, ?3: by whom.
INSERT INTO {prefix}pauses (kind, name, paused_at, paused_by)
VALUES (?1, ?2, {now}, ?3)
ON CONFLICT (kind, name) DO NOTHING
