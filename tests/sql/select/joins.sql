SELECT f.id, c.name FROM landing.flights AS f LEFT JOIN landing.carriers AS c ON c.carrier = f.carrier WHERE f.id < 5 ORDER BY f.id
