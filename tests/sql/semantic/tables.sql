CREATE TABLE landing.p_airport (code VARCHAR, city VARCHAR, country VARCHAR, elevation_m INTEGER);
INSERT INTO landing.p_airport VALUES ('FRA', 'Frankfurt', 'Germany', 111), ('MUC', 'Munich', 'Germany', 453),
  ('JFK', 'New York', 'USA', 4), ('LIS', 'Lisbon', 'Portugal', 114), ('OPO', 'Porto', 'Portugal', 69);
CREATE TABLE landing.p_carrier (code VARCHAR, carrier_name VARCHAR, owner_code VARCHAR, founded INTEGER);
INSERT INTO landing.p_carrier VALUES ('NAV', 'Nava Group', NULL, 1950), ('KIT', 'Kite Air', 'NAV', 1971),
  ('LUA', 'Lua', 'KIT', 1999), ('ZED', 'Zed Jet', 'LUA', 2010), ('SEA', 'Sea Lines', NULL, 1930);
CREATE TABLE landing.p_flight (flight_id INTEGER, flight_no VARCHAR, carrier_code VARCHAR, origin VARCHAR,
  destination VARCHAR, flight_date DATE, delay_min INTEGER, fare DECIMAL(10, 2), is_charter BOOLEAN, seats INTEGER);
INSERT INTO landing.p_flight VALUES
  (1, 'KIT101', 'KIT', 'FRA', 'MUC', '2026-02-01', 5, 49.50, FALSE, 180),
  (2, 'KIT102', 'KIT', 'MUC', 'FRA', '2026-02-01', 20, 59.00, FALSE, 180),
  (3, 'LUA201', 'LUA', 'LIS', 'OPO', '2026-02-02', 75, 35.25, FALSE, 90),
  (4, 'KIT301', 'KIT', 'JFK', 'FRA', '2026-02-02', 0, 210.00, TRUE, 250),
  (5, 'LUA202', 'LUA', 'LIS', 'JFK', '2026-02-03', 90, 51.00, FALSE, 220),
  (6, 'SEA900', 'SEA', 'XXX', 'MUC', '2026-02-03', NULL, 15.00, TRUE, 12);
CREATE TABLE landing.p_ferry (ferry_id INTEGER, vessel VARCHAR, carrier_code VARCHAR, fare DECIMAL(10, 2));
INSERT INTO landing.p_ferry VALUES (1, 'Gull', 'SEA', 12.00), (2, 'Tern', 'SEA', 80.00);
CREATE TABLE landing.p_crew (crew_id INTEGER, first_name VARCHAR, last_name VARCHAR, base_airport VARCHAR);
INSERT INTO landing.p_crew VALUES (10, 'Ana', 'Reis', 'LIS'), (11, 'Ben', 'Ott', 'FRA'), (12, 'Cy', 'Low', 'JFK');
CREATE TABLE landing.p_roster (flight_id INTEGER, crew_id INTEGER, role VARCHAR, hours DECIMAL(6, 2));
INSERT INTO landing.p_roster VALUES (1, 11, 'captain', 1.00), (3, 10, 'captain', 0.75), (4, 10, 'first_officer', 8.50),
  (4, 12, 'captain', 8.50), (2, 11, 'captain', 1.00), (2, 10, 'first_officer', 1.00);
