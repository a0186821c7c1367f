AND NOT EXISTS (SELECT 1 FROM json_each(?6) x WHERE x.value ->> 0 = c.job AND x.value ->> 1 = c.shape)
