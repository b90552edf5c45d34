SELECT delay AS "works_at[company].name", id AS "A b" FROM landing.flights WHERE id = 1
