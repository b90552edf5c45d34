SELECT COUNT(*) FILTER (WHERE on_time) AS good, COUNT(*) FILTER (WHERE NOT on_time) AS bad FROM landing.flights
