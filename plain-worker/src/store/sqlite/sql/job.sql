-- One job. ?1: id.
SELECT * FROM {prefix}jobs WHERE id = ?1
