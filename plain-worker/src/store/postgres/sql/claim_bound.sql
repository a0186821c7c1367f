AND c.priority = $6 AND (c.due_at, c.seq) > ($7, $8)
