($1::text[] IS NULL OR state = ANY ($1))
   AND ($2::text[] IS NULL OR job = ANY ($2))
   AND ($3::text[] IS NULL OR queue = ANY ($3))
   AND ($4::text IS NULL OR unique_key = $4)
