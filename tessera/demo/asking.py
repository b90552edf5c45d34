"""Step of the demo: an ontology over `mart` and what landed, and a business question answered flat and nested."""

from typing import Any, Final

from tessera.demo.show import Caller, show, table

ONTOLOGY: Final = "nyc_flights"
DEFINITIONS: Final = (
    "CREATE OR REPLACE CONCEPT `carrier` (`carrier_code` string, `carrier_name` string, PRIMARY KEY (`carrier_code`), "
    "LABEL (`carrier_name`)) INHERITS (`thing`)",
    "CREATE OR REPLACE CONCEPT `airport` (`airport_code` string, `airport_name` string, PRIMARY KEY (`airport_code`), "
    "LABEL (`airport_name`)) INHERITS (`thing`)",
    "CREATE OR REPLACE CONCEPT `plane` (`tail_number` string, `manufacturer` string, `model` string, "
    "PRIMARY KEY (`tail_number`), LABEL (`model`)) INHERITS (`thing`)",
    "CREATE OR REPLACE CONCEPT `flight` (`flight_id` string, `carrier_code` string, `tail_number` string, "
    "`origin_code` string, `departure_delay` double, PRIMARY KEY (`flight_id`), LABEL (`flight_id`), "
    "CONSTRAINT `operated_by` FOREIGN KEY (`carrier_code`) REFERENCES `carrier` (`carrier_code`) INVERSEOF `operates`, "
    "CONSTRAINT `flown_by` FOREIGN KEY (`tail_number`) REFERENCES `plane` (`tail_number`) INVERSEOF `flies`, "
    "CONSTRAINT `departs_from` FOREIGN KEY (`origin_code`) REFERENCES `airport` (`airport_code`) "
    "INVERSEOF `has_departure`) INHERITS (`thing`)",
    "CREATE OR REPLACE MAPPING `map_carrier` INTO (`carrier`) AS SELECT carrier AS `carrier_code`, "
    "name AS `carrier_name` FROM landing.airlines",
    "CREATE OR REPLACE MAPPING `map_airport` INTO (`airport`) AS SELECT faa AS `airport_code`, "
    "name AS `airport_name` FROM landing.airports",
    "CREATE OR REPLACE MAPPING `map_plane` INTO (`plane`) AS SELECT tailnum AS `tail_number`, manufacturer, model "
    "FROM mart.plane WHERE tailnum IS NOT NULL",
    "CREATE OR REPLACE MAPPING `map_flight` INTO (`flight`) AS SELECT CONCAT(carrier, '-', CAST(flight AS VARCHAR), "
    "'-', origin, '-', CAST(time_hour AS VARCHAR)) AS `flight_id`, carrier AS `carrier_code`, "
    "tailnum AS `tail_number`, origin AS `origin_code`, CAST(dep_delay AS DOUBLE) AS `departure_delay` "
    "FROM mart.flight",
)
QUESTION: Final = (
    "SELECT `flown_by[plane].manufacturer` AS manufacturer, `operated_by[carrier].carrier_name` AS carrier, "
    "`departs_from[airport].airport_name` AS leaves_from, COUNT(`flight_id`) AS flights, "
    "AVG(`departure_delay`) AS minutes_late FROM dtimbr.`flight` "
    "WHERE `departure_delay` IS NOT NULL AND `flown_by[plane].manufacturer` IS NOT NULL "
    "GROUP BY `flown_by[plane].manufacturer`, `operated_by[carrier].carrier_name`, "
    "`departs_from[airport].airport_name` HAVING COUNT(`flight_id`) >= 100 ORDER BY minutes_late DESC LIMIT 10"
)
NESTED: Final = (
    "SELECT entity_id, departure_delay, `flown_by[plane].entity_id`, `flown_by[plane].manufacturer`, "
    "`operated_by[carrier].entity_id`, `operated_by[carrier].carrier_name`, `departs_from[airport].entity_id`, "
    "`departs_from[airport].airport_name` FROM dtimbr.`flight` WHERE `departure_delay` IS NOT NULL "
    "ORDER BY departure_delay DESC LIMIT 2"
)


def ask(caller: Caller) -> list[dict[str, Any]]:
    """Define the ontology (again), ask, and show both forms of answer; the rows of the flat one."""
    known = caller.call("GET", "/semantic/timbr/api/get_ontologies/", quiet=True)["data"]
    if ONTOLOGY not in known:
        caller.call("POST", "/semantic/timbr/api/create_ontology/", {"ontology_name": ONTOLOGY})
    for statement in DEFINITIONS:
        caller.call("POST", f"/semantic/timbr/openapi/ontology/{ONTOLOGY}/query", statement)
    show("\n  Which manufacturers' planes leave latest, by carrier, and from where?")
    answer = caller.call("POST", "/semantic/timbr/api/query/", {"ontology_name": ONTOLOGY, "query": QUESTION})
    rows: list[dict[str, Any]] = answer["data"]
    table(rows)
    show("\n  The two latest departures, as nested objects:")
    body = {"ontology_name": ONTOLOGY, "query": NESTED}
    caller.call("POST", "/semantic/timbr/api/query/", body, headers={"nested": "true"})
    return rows
