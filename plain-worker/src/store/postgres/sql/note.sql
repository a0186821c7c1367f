-- Notes who changed what. $1: who, $2: what was done, $3: to what, $4: to how many.
INSERT INTO {schema}.audit (at, actor, action, target, count) VALUES ({now}, $1, $2, $3, $4) RETURNING seq
