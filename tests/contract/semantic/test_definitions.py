"""Definition statements: what they make, what they refuse, versions; SHOW, DESCRIBE and system tables.

Source: contracts/semantic.md, 5, 6.4 and 8.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.semantic.conftest import Sky
from tests.serving import unique


@pytest.fixture
def ontology(sky: Sky) -> str:
    """An empty ontology of the test's own."""
    name = unique("onto")
    with sky.http(sky.editor) as client:
        answer = client.post("/timbr/api/create_ontology/", json={"ontology_name": name})
    assert answer.json() == {"status": "success", "data": []}
    return name


def define(sky: Sky, ontology: str, sql: str) -> tuple[int, str]:
    answer = sky.sql(sql, person=sky.editor, ontology=ontology)
    return answer.status_code, answer.text


AIRPORT = (
    "CREATE CONCEPT `airport` (`airport_code` string, `city` string, PRIMARY KEY (`airport_code`),) INHERITS (`thing`)"
)
MAPPING = "CREATE MAPPING `m` INTO airport AS SELECT code AS `airport_code`, city FROM p_airport"

MOON = "CREATE CONCEPT moon INHERITS (thing)"


def test_from_nothing_to_rows(sky: Sky, ontology: str) -> None:
    assert define(sky, ontology, f"{AIRPORT}; {MAPPING};") == (200, "[]")
    answer = sky.sql("SELECT city FROM airport WHERE airport_code = 'JFK'", ontology=ontology)
    assert answer.json() == [{"city": "New York"}]
    with sky.http() as client:
        assert ontology in client.get("/timbr/api/get_ontologies").json()["data"]
        described = client.post(f"/timbr/api/get_ontology/{ontology}").json()["data"]
    [concept] = described["concepts"]
    assert concept["concept"] == "airport"
    assert concept["primary_key"] == ["airport_code"]
    assert concept["mappings"] == [{"name": "m", "datasource": "local"}]


def test_a_definition_changes_the_version_and_a_refused_one_does_not(sky: Sky, ontology: str) -> None:
    def version() -> object:
        return sky.sql("SHOW VERSION", ontology=ontology).json()

    first = version()
    assert define(sky, ontology, AIRPORT)[0] == 200
    second = version()
    assert second != first
    assert define(sky, ontology, AIRPORT)[0] == 400
    assert define(sky, ontology, "CREATE CONCEPT port INHERITS (planet)")[0] == 400
    assert version() == second


def test_an_error_in_a_script_keeps_what_came_before(sky: Sky, ontology: str) -> None:
    status, text = define(sky, ontology, f"{AIRPORT}; CREATE CONCEPT x INHERITS (planet); CREATE PROPERTY late string")
    assert status == 400
    assert "statement 2 of 3" in text
    assert sky.sql("SELECT concept FROM sys_concepts WHERE concept <> 'thing'", ontology=ontology).json() == [
        {"concept": "airport"}
    ]


REFUSED = {
    "no INHERITS": ("CREATE CONCEPT x (a string)", "INHERITS"),
    "unknown type": ("CREATE PROPERTY x text_of_mine", "text_of_mine"),
    "unknown parent": ("CREATE CONCEPT x INHERITS (planet)", "planet"),
    "key that is no property": ("CREATE CONCEPT x (a string, PRIMARY KEY (b)) INHERITS (thing)", "b"),
    "another type than before": ("CREATE CONCEPT x (city integer) INHERITS (thing)", "city"),
    "reserved property": ("CREATE PROPERTY entity_id string", "entity_id"),
    "name with a dot": ("CREATE CONCEPT `a.b` INHERITS (thing)", "a.b"),
    "the root": ("CREATE OR REPLACE CONCEPT thing INHERITS (thing)", "thing"),
    "itself as a parent": ("CREATE OR REPLACE CONCEPT airport INHERITS (airport)", "airport"),
    "measure without an aggregate": ("CREATE MEASURE m1 bigint AS SELECT city", "m1"),
    "measure of itself": ("CREATE MEASURE m1 bigint AS SELECT m1 + 1", "m1"),
    "sub-query in a formula": ("CREATE PROPERTY p1 string AS SELECT (SELECT 1)", "p1"),
    "file in a formula": ("CREATE PROPERTY p1 string AS SELECT read_text('/etc/passwd')", "p1"),
    "unknown datasource": ("CREATE MAPPING m INTO (airport) USING mars AS SELECT 1 AS city", "mars"),
    "without parsing": ("CREATE MAPPING m INTO (airport) WITHOUT PARSING AS SELECT 1 AS city", "WITHOUT PARSING"),
    "mapping of nothing": ("CREATE MAPPING m INTO (planet) AS SELECT 1 AS city", "planet"),
    "condition on nothing": ("CREATE CONCEPT x INHERITS (airport) FROM timbr.airport WHERE planet = 1", "planet"),
    "path in timbr": ("CREATE CONCEPT x INHERITS (airport) FROM timbr.airport WHERE `r[airport].city` = 'a'", "dtimbr"),
    "view of nothing": ("CREATE ONTOLOGY VIEW v AS SELECT * FROM timbr.planet", "planet"),
    "view of a table": ("CREATE ONTOLOGY VIEW v AS SELECT * FROM landing.p_airport", "landing.p_airport"),
    "cube with GROUP BY": ("CREATE ONTOLOGY CUBE c AS SELECT city FROM dtimbr.airport GROUP BY city", "cube"),
    "drop of nothing": ("DROP CONCEPT planet", "planet"),
    "drop of what is used": ("DROP PROPERTY city", "airport"),
    "half a statement": ("CREATE CONCEPT", "name of a concept"),
    "words after the end": ("DROP CONCEPT airport NOW", "NOW"),
}


@pytest.mark.parametrize(("sql", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_a_definition_that_breaks_a_rule_is_refused_by_name(sky: Sky, ontology: str, sql: str, named: str) -> None:
    assert define(sky, ontology, AIRPORT)[0] == 200
    before = sky.sql("SHOW VERSION", ontology=ontology).json()
    status, text = define(sky, ontology, sql)
    assert status in (400, 403), text
    assert named in text
    assert sky.sql("SHOW VERSION", ontology=ontology).json() == before


@pytest.mark.parametrize("name", ["system_db", "a.b", "", "x" * 200])
def test_an_ontology_needs_a_fresh_and_valid_name(sky: Sky, name: str) -> None:
    with sky.http(sky.editor) as client:
        answer = client.post("/timbr/api/create_ontology", json={"ontology_name": name})
    assert answer.status_code == 400
    assert answer.json()["status"] == "error"


def test_an_existing_ontology_is_not_made_again(sky: Sky, ontology: str) -> None:
    with sky.http(sky.editor) as client:
        assert client.post("/timbr/api/create_ontology", json={"ontology_name": ontology}).status_code == 400
    assert sky.sql(f"CREATE ONTOLOGY `{ontology}`", person=sky.editor, ontology="system_db").status_code == 400


def test_drop_and_tags(sky: Sky, ontology: str) -> None:
    for sql in (
        AIRPORT,
        "ALTER PROPERTY city UPDATE TAG `api.name` = 'cityName'",
        "ALTER CONCEPT airport UPDATE TAG a = 'b'",
    ):
        assert define(sky, ontology, sql) == (200, "[]")
    assert sky.sql("SHOW TAGS", ontology=ontology).json() == [
        {"target_type": "concept", "target_name": "airport", "tag_name": "a", "tag_value": "b"},
        {"target_type": "property", "target_name": "city", "tag_name": "api.name", "tag_value": "cityName"},
    ]
    assert (
        define(sky, ontology, "ALTER CONCEPT airport DROP TAG a; DROP CONCEPT airport; DROP CONCEPT IF EXISTS moon")[0]
        == 200
    )
    assert sky.sql("SELECT 1 FROM airport", ontology=ontology).status_code == 400
    assert sky.sql(f"DROP ONTOLOGY `{ontology}`", person=sky.editor, ontology="system_db").status_code == 200
    assert sky.sql("SHOW VERSION", ontology=ontology).status_code == 404


def test_sixteen_definitions_at_once_are_all_kept(sky: Sky, ontology: str) -> None:
    def add(number: int) -> int:
        while True:
            status, _ = define(sky, ontology, f"CREATE PROPERTY p{number} string")
            if status != 409:
                return status

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(add, range(16))) == [200] * 16
    [row] = sky.sql("SELECT COUNT(*) AS n FROM sys_properties", ontology=ontology).json()
    assert row == {"n": 16}


def test_an_inverse_without_a_name_is_written_with_a_tilde(sky: Sky, ontology: str) -> None:
    script = """
    CREATE CONCEPT person (crew_id integer, first_name string, base_code string, PRIMARY KEY (crew_id),
      CONSTRAINT `based at` FOREIGN KEY (base_code) REFERENCES airport (airport_code)) INHERITS (thing);
    CREATE CONCEPT airport (airport_code string, PRIMARY KEY (airport_code)) INHERITS (thing);
    CREATE MAPPING m1 INTO (person) AS SELECT crew_id, first_name, base_airport AS base_code FROM p_crew;
    CREATE MAPPING m2 INTO (airport) AS SELECT code AS airport_code FROM p_airport;"""
    assert define(sky, ontology, script) == (200, "[]")
    sql = "SELECT `~based at[person].first_name` AS who FROM dtimbr.airport WHERE airport_code = 'LIS'"
    assert sky.sql(sql, ontology=ontology).json() == [{"who": "Ana"}]
    [row] = sky.sql(
        "SELECT `based at[airport].entity_id` AS a FROM dtimbr.person WHERE crew_id = 10", ontology=ontology
    ).json()
    assert row == {"a": "LIS"}


def test_a_child_without_a_mapping_has_its_parents_rows(sky: Sky, ontology: str) -> None:
    script = f"{AIRPORT}; {MAPPING}; CREATE CONCEPT hub (gates integer) INHERITS (airport); {MOON}"
    assert define(sky, ontology, script) == (200, "[]")
    assert sky.sql("SELECT COUNT(*) AS n, COUNT(gates) AS g FROM hub", ontology=ontology).json() == [{"n": 5, "g": 0}]
    assert sky.sql("SELECT * FROM moon", ontology=ontology).json() == []
    assert sky.sql("SELECT COUNT(*) AS n FROM airport", ontology=ontology).json() == [{"n": 5}]


def test_what_clients_ask_an_ontology_about_itself(sky: Sky) -> None:
    assert list(sky.rows("SHOW VERSION")[0]) == ["id"]
    assert sky.rows("SHOW DATASOURCES")[0]["is_active"] == 1
    assert {"tab_name": "flight"} in sky.rows("SHOW TABLES IN dtimbr")
    assert list(sky.rows("SHOW SCHEMAS")[0].values()) == ["timbr"]
    rows = sky.rows("DESCRIBE timbr.airport")
    assert rows[3] == {"col_name": "airport_code", "data_type": "string", "comment": ""}
    assert {len(row) for row in rows} == {3}
    assert sky.rows("desc vtimbr.country_revenue")[0] == {"col_name": "country", "data_type": "string", "comment": ""}
    assert sky.rows("REFRESH PERMISSIONS") == []


def test_describe_concept_lists_paths_as_clients_read_them(sky: Sky) -> None:
    rows = {row["col_name"]: row for row in sky.rows("DESCRIBE CONCEPT `dtimbr`.`flight` OPTIONS (graph_depth='1')")}
    assert rows["flight_id"]["key"] == "PK"
    assert rows["origin_code"]["key"] == "FK"
    assert rows["fare"]["inheritance_marker"] == "inherited"
    for name in ("departs_from[airport].city", "staffed_by[crew]_role", "measure.total_fare"):
        assert name in rows
    carrier = {row["col_name"] for row in sky.rows("DESCRIBE CONCEPT `dtimbr`.`carrier` OPTIONS (graph_depth='1')")}
    for name in (
        "owns[carrier*3].founded",
        "owns[carrier*3]_transitivity_level",
        "measure.operates[movement].total_fare",
    ):
        assert (name in carrier) is not name.startswith("measure.operates[movement]")


def test_every_path_that_describe_lists_can_be_queried(sky: Sky) -> None:
    names = [row["col_name"] for row in sky.rows("DESCRIBE CONCEPT `dtimbr`.`flight` OPTIONS (graph_depth='1')")]
    plain = [name for name in names if not name.startswith("measure.")]
    for start in range(0, len(plain), 20):
        listed = ", ".join(f"`{name}`" for name in plain[start : start + 20])
        assert len(sky.rows(f"SELECT {listed} FROM dtimbr.flight WHERE flight_id = 6")) == 1


def test_system_tables_describe_the_ontology(sky: Sky) -> None:
    [logic] = sky.rows(
        "SELECT inheritance, inheritance_level, `query` FROM timbr.sys_ontology WHERE concept = 'delayed_flight'"
    )
    assert logic["inheritance"] == "flight,thing"
    assert logic["inheritance_level"] == 3
    assert logic["query"] == "SELECT * FROM `timbr`.`flight` WHERE `delay_min` > 15"
    [edge] = sky.rows(
        "SELECT target_concept, inverse_name, is_inverse, is_mtm, source_properties, transitivity "
        "FROM timbr.sys_concept_relationships WHERE concept = 'carrier' AND relationship_name = 'owns'"
    )
    assert edge == {
        "target_concept": "carrier", "inverse_name": "owned_by", "is_inverse": 1, "is_mtm": 0,
        "source_properties": "carrier_code", "transitivity": 3,
    }  # fmt: skip
    [measure] = sky.rows(
        "SELECT is_measure, logic_query FROM timbr.sys_properties WHERE property_name = 'late_flights'"
    )
    assert measure == {"is_measure": 1, "logic_query": "SELECT flight_count WHERE `delay_min` > 15"}
    for table in ("sys_agents_options", "sys_knowledgebase", "sys_properties_statistics", "sys_domains"):
        assert sky.rows(f"SELECT * FROM timbr.{table}") == []


def test_show_token_gives_a_key_that_opens_the_api(sky: Sky) -> None:
    [row] = sky.rows("SHOW TOKEN")
    assert row["token"].startswith("tk_")
    with sky.server.http("semantic", None, **{"x-api-key": row["token"]}) as client:
        assert client.get("/timbr/api/get_ontologies").status_code == 200
    assert sky.sql(f"SHOW TOKEN FOR `{sky.editor.username}`").status_code == 403
