SELECT carrier, COUNT(*) AS n, AVG(delay) AS late, MAX(fare) AS dearest FROM landing.flights GROUP BY carrier HAVING COUNT(*) > 0 ORDER BY n DESC, carrier
