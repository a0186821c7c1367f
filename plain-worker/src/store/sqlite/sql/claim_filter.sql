AND (?5 IS NULL OR c.job IN (SELECT value FROM json_each(?5)))
              AND NOT EXISTS (SELECT 1 FROM json_each(?6) x
                               WHERE x.value ->> 0 = c.job AND x.value ->> 1 IN ('', c.shape))
