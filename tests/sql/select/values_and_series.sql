SELECT v.a, s.x FROM (VALUES (1, 'p'), (2, 'q')) AS v(a, b) CROSS JOIN generate_series(1, 2) AS s(x) ORDER BY v.a, s.x
