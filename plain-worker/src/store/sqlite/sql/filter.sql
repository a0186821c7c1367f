(?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))
   AND (?2 IS NULL OR job IN (SELECT value FROM json_each(?2)))
   AND (?3 IS NULL OR queue IN (SELECT value FROM json_each(?3)))
   AND (?4 IS NULL OR unique_key = ?4)
