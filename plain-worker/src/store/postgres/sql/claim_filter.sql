AND NOT EXISTS (SELECT 1 FROM unnest($8::text[], $9::text[]) x (job, shape)
                                       WHERE x.job = c.job AND x.shape = c.shape)
