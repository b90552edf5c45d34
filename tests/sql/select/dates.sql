SELECT EXTRACT(YEAR FROM left_at) AS y, DATE_TRUNC('month', left_at) AS m, CAST(left_at AS DATE) AS d, left_at + INTERVAL '1 day' AS n FROM landing.flights WHERE id = 4
