SELECT MEDIAN(delay) AS m, STDDEV(delay) IS NOT NULL AS s, STRING_AGG(carrier, ',' ORDER BY id) AS c FROM landing.flights
