SELECT carrier FROM landing.carriers EXCEPT SELECT carrier FROM landing.flights UNION ALL SELECT 'x' ORDER BY 1
