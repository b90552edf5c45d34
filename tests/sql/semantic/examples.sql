-- Worked examples: a query over the ontology, then the plain SQL that gives the same rows.
-- Source: contracts/semantic.md, 7

-- case E1
SELECT entity_id, entity_type, entity_label, city FROM timbr.airport;
-- same as
SELECT CAST(code AS VARCHAR) AS entity_id, 'airport' AS entity_type, concat_ws(' ', city, code) AS entity_label, city FROM p_airport;

-- case E2
SELECT entity_type, COUNT(*) AS n FROM timbr.movement GROUP BY entity_type;
-- same as
SELECT entity_type, COUNT(*) AS n FROM (SELECT 'flight' AS entity_type FROM p_flight UNION ALL SELECT 'ferry' FROM p_ferry) movement GROUP BY entity_type;

-- case E3
SELECT flight_no FROM timbr.very_delayed_flight;
-- same as
SELECT flight_no FROM (SELECT * FROM p_flight WHERE delay_min > 15) b WHERE delay_min > 60;

-- case E4
SELECT flight_no FROM timbr.domestic_flight;
-- same as
SELECT f.flight_no FROM p_flight f WHERE EXISTS (SELECT 1 FROM p_flight k LEFT JOIN p_airport o ON k.origin = o.code LEFT JOIN p_airport d ON k.destination = d.code WHERE k.flight_id = f.flight_id AND o.country = d.country);

-- case E5
SELECT entity_type, vessel, flight_no FROM etimbr.movement WHERE fare < 50;
-- same as
SELECT 'flight' AS entity_type, NULL AS vessel, flight_no FROM p_flight WHERE fare < 50 UNION ALL SELECT 'ferry', vessel, NULL FROM p_ferry WHERE fare < 50;

-- case E6
SELECT flight_no, `departs_from[airport].city` AS city FROM dtimbr.flight WHERE delay_min > 15;
-- same as
SELECT f.flight_no, a.city FROM p_flight f LEFT JOIN p_airport a ON f.origin = a.code WHERE f.delay_min > 15;

-- case E7
SELECT `departs_from[airport].city` AS a, `arrives_at[airport].city` AS b FROM dtimbr.flight;
-- same as
SELECT o.city AS a, d.city AS b FROM p_flight f LEFT JOIN p_airport o ON f.origin = o.code LEFT JOIN p_airport d ON f.destination = d.code;

-- case E8
SELECT flight_no, `operated_by[carrier].owned_by[carrier].carrier_name` AS owner FROM dtimbr.flight;
-- same as
SELECT f.flight_no, c2.carrier_name AS owner FROM p_flight f LEFT JOIN p_carrier c1 ON f.carrier_code = c1.code LEFT JOIN p_carrier c2 ON c1.owner_code = c2.code;

-- case E9
SELECT airport_code, COUNT(`has_departure[flight].flight_id`) AS n FROM dtimbr.airport GROUP BY airport_code;
-- same as
SELECT a.code AS airport_code, COUNT(f.flight_id) AS n FROM p_airport a LEFT JOIN p_flight f ON f.origin = a.code GROUP BY a.code;

-- case E10
SELECT airport_code, COUNT(`has_departure[delayed_flight].flight_id`) AS n FROM dtimbr.airport GROUP BY airport_code;
-- same as
SELECT a.code AS airport_code, COUNT(f.flight_id) AS n FROM p_airport a LEFT JOIN (SELECT * FROM p_flight WHERE delay_min > 15) f ON f.origin = a.code GROUP BY a.code;

-- case E11
SELECT carrier_code, SUM(`operates[movement].fare`) AS s FROM dtimbr.carrier GROUP BY carrier_code;
-- same as
SELECT c.code AS carrier_code, SUM(m.fare) AS s FROM p_carrier c LEFT JOIN (SELECT carrier_code, fare FROM p_flight UNION ALL SELECT carrier_code, fare FROM p_ferry) m ON m.carrier_code = c.code GROUP BY c.code;

-- case E12
SELECT flight_no, `staffed_by[crew].first_name` AS who, `staffed_by[crew]_role` AS role FROM dtimbr.flight;
-- same as
SELECT f.flight_no, p.first_name AS who, r.role FROM p_flight f LEFT JOIN p_roster r ON r.flight_id = f.flight_id LEFT JOIN p_crew p ON p.crew_id = r.crew_id;

-- case E13
SELECT DISTINCT `works_on[flight].departs_from[airport].country` AS country FROM dtimbr.crew WHERE first_name = 'Ana';
-- same as
SELECT DISTINCT a.country FROM p_crew p LEFT JOIN p_roster r ON r.crew_id = p.crew_id LEFT JOIN p_flight f ON f.flight_id = r.flight_id LEFT JOIN p_airport a ON f.origin = a.code WHERE p.first_name = 'Ana';

-- case E14
SELECT carrier_name, `owns[carrier*2].carrier_name` AS sub, `owns[carrier*2]_transitivity_level` AS lvl FROM dtimbr.carrier;
-- same as
WITH RECURSIVE e(a,b) AS (SELECT s.code, t.code FROM p_carrier s JOIN p_carrier t ON t.owner_code = s.code), w(a,b,l) AS (SELECT a,b,1 FROM e UNION SELECT w.a,e.b,w.l+1 FROM w JOIN e ON e.a = w.b WHERE w.l < 2), x AS (SELECT a,b,MIN(l) AS l FROM w WHERE a <> b GROUP BY a,b) SELECT c.carrier_name, t.carrier_name AS sub, x.l AS lvl FROM p_carrier c LEFT JOIN x ON x.a = c.code LEFT JOIN p_carrier t ON t.code = x.b;

-- case E15
SELECT carrier_name, `owns[carrier*2].carrier_name` AS sub, `owns[carrier*2]_transitivity_level` AS lvl FROM dtimbr.carrier;
-- same as
WITH e(a,b) AS (SELECT s.code, t.code FROM p_carrier s JOIN p_carrier t ON t.owner_code = s.code), x AS (SELECT a,b,MIN(l) AS l FROM (SELECT a,b,1 AS l FROM e UNION ALL SELECT e1.a,e2.b,2 FROM e e1 JOIN e e2 ON e2.a = e1.b) u WHERE a <> b GROUP BY a,b) SELECT c.carrier_name, t.carrier_name AS sub, x.l AS lvl FROM p_carrier c LEFT JOIN x ON x.a = c.code LEFT JOIN p_carrier t ON t.code = x.b;

-- case E16
SELECT `departs_from[airport].country` AS country, SUM(`measure.total_fare`) AS s, COUNT(`measure.late_ratio`) AS r FROM dtimbr.flight GROUP BY `departs_from[airport].country`;
-- same as
SELECT a.country, SUM(f.fare) AS s, 1.0 * COUNT(DISTINCT CASE WHEN f.delay_min > 15 THEN f.flight_id END) / COUNT(DISTINCT f.flight_id) AS r FROM p_flight f LEFT JOIN p_airport a ON f.origin = a.code GROUP BY a.country;

-- case E17
SELECT SUM(`measure.total_fare`) FILTER (WHERE `departs_from[airport].country` = 'Germany') AS g FROM dtimbr.flight;
-- same as
SELECT SUM(CASE WHEN a.country = 'Germany' THEN f.fare END) AS g FROM p_flight f LEFT JOIN p_airport a ON f.origin = a.code;

-- case E18
SELECT carrier_code, SUM(`measure.operates[flight].total_fare`) AS s FROM dtimbr.carrier GROUP BY carrier_code;
-- same as
SELECT c.code AS carrier_code, SUM(f.fare) AS s FROM p_carrier c LEFT JOIN p_flight f ON f.carrier_code = c.code GROUP BY c.code;

-- case E19
SELECT country, revenue FROM vtimbr.country_revenue WHERE flights > 1;
-- same as
SELECT country, revenue FROM (SELECT a.country, COUNT(f.flight_id) AS flights, SUM(f.fare) AS revenue FROM p_flight f LEFT JOIN p_airport a ON f.origin = a.code GROUP BY a.country) v WHERE flights > 1;

-- case E20
SELECT `carrier`, SUM(`measure.total_fare`) AS s FROM vtimbr.flight_cube WHERE `is_charter` = FALSE GROUP BY `carrier`;
-- same as
SELECT c.carrier_name AS carrier, SUM(f.fare) AS s FROM p_flight f LEFT JOIN p_carrier c ON f.carrier_code = c.code WHERE f.is_charter = FALSE GROUP BY c.carrier_name;

-- case E21
SELECT flight_no, `_type_of_delayed_flight` AS late FROM dtimbr.flight;
-- same as
SELECT flight_no, CASE WHEN EXISTS (SELECT 1 FROM p_flight z WHERE z.delay_min > 15 AND z.flight_id = f.flight_id) THEN 1 ELSE 0 END AS late FROM p_flight f;

-- case E22
SELECT route FROM timbr.flight WHERE seats > 200;
-- same as
SELECT CONCAT(origin, '-', destination) AS route FROM p_flight WHERE seats > 200;

-- case E23
SELECT a.airport_code FROM timbr.airport a WHERE NOT EXISTS (SELECT 1 FROM timbr.flight f WHERE f.destination_code = a.airport_code AND f.delay_min > 15);
-- same as
SELECT a.code AS airport_code FROM p_airport a WHERE NOT EXISTS (SELECT 1 FROM p_flight f WHERE f.destination = a.code AND f.delay_min > 15);

-- case E24
SELECT SUM(`owns[carrier*3].operates[flight].fare`) AS s FROM dtimbr.carrier WHERE carrier_code = 'NAV';
-- same as
SELECT SUM(fare) AS s FROM p_flight WHERE carrier_code IN ('KIT', 'LUA', 'ZED');
