AND ($5::text[] IS NULL OR c.job = ANY ($5))
                      AND NOT EXISTS (SELECT 1 FROM unnest($6::text[], $7::text[]) x (job, shape)
                                       WHERE x.job = c.job AND x.shape IN ('', c.shape))
