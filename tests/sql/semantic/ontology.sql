CREATE ONTOLOGY `sky` DESCRIPTION = 'Who flies what, and where';
CREATE OR REPLACE PROPERTY `city` string DESCRIPTION = 'City that the airport serves' WITH TAGS (`api.name` = 'cityName');
CREATE OR REPLACE PROPERTY `route` string AS SELECT CONCAT(`origin_code`, '-', `destination_code`);
CREATE OR REPLACE MEASURE `flight_count` bigint AS SELECT COUNT(DISTINCT `flight_id`);
CREATE OR REPLACE MEASURE `total_fare` double AS SELECT SUM(`fare`);
CREATE OR REPLACE MEASURE `late_flights` bigint AS SELECT flight_count WHERE `delay_min` > 15;
CREATE OR REPLACE MEASURE `late_ratio` double AS SELECT 1.0 * late_flights / flight_count;
CREATE OR REPLACE CONCEPT `airport` (`airport_code` string, `city` string, `country` string, `elevation_m` integer,
  PRIMARY KEY (`airport_code`), LABEL (`city`, `airport_code`)) INHERITS (`thing`) DESCRIPTION 'A place where aircraft land';
CREATE OR REPLACE CONCEPT `carrier` (`carrier_code` string, `carrier_name` string, `owner_code` string, `founded` integer,
  PRIMARY KEY (`carrier_code`), LABEL (`carrier_name`),
  CONSTRAINT `owned_by` FOREIGN KEY (`owner_code`) REFERENCES `carrier` (`carrier_code`) INVERSEOF `owns` TRANSITIVE(3)) INHERITS (`thing`);
CREATE OR REPLACE CONCEPT `crew` (`crew_id` integer, `first_name` string, `last_name` string, `base_code` string,
  PRIMARY KEY (`crew_id`), LABEL (`first_name`, `last_name`)) INHERITS (`thing`);
CREATE OR REPLACE CONCEPT `movement` (`fare` decimal, `operator_code` string,
  CONSTRAINT `operated_by` FOREIGN KEY (`operator_code`) REFERENCES `carrier` (`carrier_code`) INVERSEOF `operates`) INHERITS (`thing`);
CREATE OR REPLACE CONCEPT `flight` (`flight_id` integer, `flight_no` string, `origin_code` string, `destination_code` string,
  `flight_date` date, `delay_min` integer, `is_charter` boolean, `seats` integer, `route` string,
  `flight_count` measure bigint, `total_fare` measure double, `late_flights` measure bigint, `late_ratio` measure double,
  PRIMARY KEY (`flight_id`), LABEL (`flight_no`),
  CONSTRAINT `departs_from` FOREIGN KEY (`origin_code`) REFERENCES `airport` (`airport_code`) INVERSEOF `has_departure`,
  CONSTRAINT `arrives_at` FOREIGN KEY (`destination_code`) REFERENCES `airport` (`airport_code`) INVERSEOF `has_arrival`,
  CONSTRAINT `staffed_by` MULTIREFERENCE `crew` INVERSEOF `works_on`) INHERITS (`movement`);
CREATE OR REPLACE CONCEPT `ferry` (`ferry_id` integer, `vessel` string, PRIMARY KEY (`ferry_id`), LABEL (`vessel`)) INHERITS (`movement`);
CREATE OR REPLACE CONCEPT `delayed_flight` INHERITS (`flight`) FROM timbr.`flight` WHERE `delay_min` > 15;
CREATE OR REPLACE CONCEPT `very_delayed_flight` INHERITS (`delayed_flight`) FROM timbr.`delayed_flight` WHERE `delay_min` > 60;
CREATE OR REPLACE CONCEPT `domestic_flight` INHERITS (`flight`)
  FROM dtimbr.`flight` WHERE `departs_from[airport].country` = `arrives_at[airport].country`;
CREATE OR REPLACE MAPPING `map_airport` INTO (`airport`) AS SELECT code AS `airport_code`, city, country, elevation_m FROM p_airport;
CREATE OR REPLACE MAPPING `map_flight` INTO (`flight`) USING `local` AS SELECT flight_id, flight_no, carrier_code AS `operator_code`,
  origin AS `origin_code`, destination AS `destination_code`, flight_date, delay_min, fare, is_charter, seats FROM p_flight;
CREATE OR REPLACE MAPPING `map_ferry` INTO (`ferry`) AS SELECT ferry_id, vessel, carrier_code AS `operator_code`, fare FROM p_ferry;
CREATE OR REPLACE MAPPING `map_roster` (CONSTRAINT `staffed_by` FOREIGN KEY (`crew_id`) REFERENCES `crew` (`crew_id`),
  CONSTRAINT `works_on` FOREIGN KEY (`flight_id`) REFERENCES `flight` (`flight_id`)) AS SELECT flight_id, crew_id, role, hours FROM p_roster;
CREATE OR REPLACE ONTOLOGY VIEW `country_revenue` AS SELECT `departs_from[airport].country` AS `country`,
  COUNT(`flight_id`) AS `flights`, SUM(`fare`) AS `revenue` FROM dtimbr.`flight` GROUP BY `departs_from[airport].country`;
CREATE OR REPLACE ONTOLOGY CUBE `flight_cube` AS SELECT `departs_from[airport].country` AS `origin_country`,
  `operated_by[carrier].carrier_name` AS `carrier`, `is_charter` AS `is_charter`,
  `measure.total_fare` AS `measure.total_fare`, `measure.flight_count` AS `measure.flight_count` FROM dtimbr.`flight`;
CREATE OR REPLACE MAPPING `map_carrier` INTO (`carrier`) AS SELECT code AS `carrier_code`, carrier_name, owner_code, founded FROM p_carrier;
CREATE OR REPLACE MAPPING `map_crew` INTO (`crew`) AS SELECT crew_id, first_name, last_name, base_airport AS `base_code` FROM p_crew;
